package sdkd.example

import android.content.Context
import android.graphics.Bitmap
import org.tensorflow.lite.Interpreter
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.FileChannel

/** What the network says of one image: `probabilities` of the classes, the saliency map row by row, the embedding. */
class Answer(val probabilities: FloatArray, val saliency: Array<FloatArray>, val embedding: FloatArray)

/** Runs sdkd_int8.tflite from the app's assets. Not for several threads at once. */
class Recognizer(context: Context) : AutoCloseable {
    val labels: List<String> = context.assets.open("labels.txt").bufferedReader().use { it.readLines() }
    private val interpreter = Interpreter(map(context), Interpreter.Options().setNumThreads(2))
    val inputSize: Int = interpreter.getInputTensorFromSignature("image", SIGNATURE).shape()[1]
    private val mapSize = interpreter.getOutputTensorFromSignature("saliency", SIGNATURE).shape()[1]
    private val outputs = interpreter.getSignatureOutputs(SIGNATURE)
    val embeddingSize: Int = // 0 if the file has no embedding
        if ("embedding" in outputs) interpreter.getOutputTensorFromSignature("embedding", SIGNATURE).shape()[1] else 0
    private val input = ByteBuffer.allocateDirect(3 * inputSize * inputSize).order(ByteOrder.nativeOrder())

    init {
        val classes = interpreter.getOutputTensorFromSignature("probabilities", SIGNATURE).shape()[1]
        require(labels.size == classes) { "labels.txt has ${labels.size} lines; expected $classes" }
        run(ByteArray(3 * inputSize * inputSize)) // the first run takes longer than all others
    }

    /** `rgb`: inputSize * inputSize pixels, three bytes each, row by row. */
    fun run(rgb: ByteArray): Answer {
        val probabilities = Array(1) { FloatArray(labels.size) }
        val saliency = Array(1) { Array(mapSize) { Array(mapSize) { FloatArray(1) } } }
        val embedding = Array(1) { FloatArray(embeddingSize) }
        val arrays = mapOf("probabilities" to probabilities, "saliency" to saliency, "embedding" to embedding)
        input.rewind()
        input.put(rgb)
        input.rewind()
        interpreter.runSignature(mapOf("image" to input), arrays.filterKeys { it in outputs }, SIGNATURE)
        val map = Array(mapSize) { y -> FloatArray(mapSize) { x -> saliency[0][y][x][0] } }
        return Answer(probabilities[0], map, embedding[0])
    }

    /** The bytes that `run` takes: an image scaled to fit the square, keeping its aspect ratio, on black. */
    fun letterbox(image: Bitmap): ByteArray =
        letterbox(image.width, image.height, inputSize) { y, row ->
            image.getPixels(row, 0, image.width, 0, y, image.width, 1)
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
