package sdkd.example

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.graphics.RectF
import org.tensorflow.lite.Interpreter
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.FileChannel

/** What the network says of one image: `probabilities` of the classes, and the saliency map row by row. */
class Answer(val probabilities: FloatArray, val saliency: Array<FloatArray>)

/** Runs sdkd_int8.tflite from the app's assets. Not for several threads at once. */
class Recognizer(context: Context) : AutoCloseable {
    val labels: List<String> = context.assets.open("labels.txt").bufferedReader().readLines()
    private val interpreter = Interpreter(map(context), Interpreter.Options().setNumThreads(2))
    val inputSize: Int = interpreter.getInputTensorFromSignature("image", SIGNATURE).shape()[1]
    private val mapSize = interpreter.getOutputTensorFromSignature("saliency", SIGNATURE).shape()[1]

    /** `rgb`: inputSize * inputSize pixels, three bytes each, row by row. */
    fun run(rgb: ByteBuffer): Answer {
        val probabilities = Array(1) { FloatArray(labels.size) }
        val saliency = Array(1) { Array(mapSize) { Array(mapSize) { FloatArray(1) } } }
        rgb.rewind()
        interpreter.runSignature(
            mapOf("image" to rgb),
            mapOf("probabilities" to probabilities, "saliency" to saliency),
            SIGNATURE,
        )
        return Answer(probabilities[0], Array(mapSize) { y -> FloatArray(mapSize) { x -> saliency[0][y][x][0] } })
    }

    /** Scales an image to fit the input's square, aspect kept, on black. */
    fun letterbox(image: Bitmap): Bitmap {
        val square = Bitmap.createBitmap(inputSize, inputSize, Bitmap.Config.ARGB_8888)
        val scale = inputSize.toFloat() / maxOf(image.width, image.height)
        val left = (inputSize - image.width * scale) / 2
        val top = (inputSize - image.height * scale) / 2
        Canvas(square).apply {
            drawColor(Color.BLACK)
            val target = RectF(left, top, inputSize - left, inputSize - top)
            drawBitmap(image, null, target, Paint(Paint.FILTER_BITMAP_FLAG))
        }
        return square
    }

    /** The bytes that `run` takes. */
    fun rgbOf(square: Bitmap): ByteBuffer {
        val pixels = IntArray(inputSize * inputSize)
        square.getPixels(pixels, 0, inputSize, 0, 0, inputSize, inputSize)
        val rgb = ByteBuffer.allocateDirect(3 * pixels.size).order(ByteOrder.nativeOrder())
        for (pixel in pixels) {
            rgb.put(Color.red(pixel).toByte()).put(Color.green(pixel).toByte()).put(Color.blue(pixel).toByte())
        }
        return rgb
    }

    override fun close() = interpreter.close()

    private fun map(context: Context): ByteBuffer =
        context.assets.openFd("sdkd_int8.tflite").use { file ->
            FileInputStream(file.fileDescriptor).use {
                it.channel.map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength)
            }
        }

    private companion object {
        const val SIGNATURE = "serving_default"
    }
}
