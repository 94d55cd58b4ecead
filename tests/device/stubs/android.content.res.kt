package android.content.res

import java.io.Closeable
import java.io.FileDescriptor
import java.io.IOException
import java.io.InputStream

class AssetManager {
    @Throws(IOException::class) fun list(path: String): Array<String>? = TODO()
    @Throws(IOException::class) fun open(fileName: String): InputStream = TODO()
    @Throws(IOException::class) fun openFd(fileName: String): AssetFileDescriptor = TODO()
}

class AssetFileDescriptor : Closeable {
    val fileDescriptor: FileDescriptor get() = TODO()
    val startOffset: Long get() = TODO()
    val declaredLength: Long get() = TODO()
    override fun close() = TODO()
}

class Resources {
    val displayMetrics: android.util.DisplayMetrics get() = TODO()
}
