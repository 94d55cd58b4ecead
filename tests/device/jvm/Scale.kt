import sdkd.example.letterbox
import java.io.DataInputStream
import java.io.EOFException

/** Scales images from standard input: width, height and size, then the pixels in ARGB; all numbers have four bytes. */
object Scale {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val input = DataInputStream(System.`in`.buffered())
        val output = System.out.buffered()
        while (true) {
            val width = try { input.readInt() } catch (end: EOFException) { break }
            val height = input.readInt()
            val size = input.readInt()
            output.write(letterbox(width, height, size) { _, row -> for (x in row.indices) row[x] = input.readInt() })
        }
        output.flush()
    }
}
