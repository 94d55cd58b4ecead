package sdkd.example

import android.content.Context
import java.io.File

/** The head of the app: what was taught since the app was installed or updated, or else head.json of its assets. */
class HeadFile(private val context: Context) {
    private val taught = File(context.filesDir, NAME)

    /** Null if the assets have none. Throws IllegalArgumentException if it is not for embeddings of this size. */
    fun read(embeddingSize: Int): Head? {
        val installed = context.packageManager.getPackageInfo(context.packageName, 0).lastUpdateTime
        val json = when {
            NAME !in context.assets.list("").orEmpty() -> return null
            taught.lastModified() > installed -> taught.readText()
            else -> context.assets.open(NAME).bufferedReader().use { it.readText() }
        }
        val head = Head.of(json)
        require(head.size == embeddingSize) { "$NAME: is for embeddings of length ${head.size}, not $embeddingSize" }
        return head
    }

    fun write(head: Head) {
        val partial = File(context.filesDir, "$NAME.partial") // so that the file is never half-written
        partial.writeText(head.toJson())
        check(partial.renameTo(taught)) { "$taught cannot be written" }
    }

    private companion object {
        const val NAME = "head.json"
    }
}
