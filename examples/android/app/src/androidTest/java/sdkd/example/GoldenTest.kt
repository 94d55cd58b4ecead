package sdkd.example

import android.graphics.BitmapFactory
import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import kotlin.math.abs

/** The device answers the golden inputs as convert.py's machine did, and scales the golden images as Python does. */
@RunWith(AndroidJUnit4::class)
class GoldenTest {
    private val context = InstrumentationRegistry.getInstrumentation().targetContext
    private val expected = JSONObject(String(golden("expected.json")))

    private fun golden(name: String) = context.assets.open("golden/$name").use { it.readBytes() }

    @Test
    fun smallImage() = check("image", "input")

    @Test
    fun largeImage() = check("image_large", "input_large")

    private fun check(image: String, input: String) = Recognizer(context).use { recognizer ->
        val answer = expected.getJSONObject(image)
        val bytes = golden("$input.bin")
        val found = recognizer.run(bytes)
        val best = found.probabilities.indices.maxBy { found.probabilities[it] }
        assertEquals(answer.getString("label"), recognizer.labels[best])
        val tolerance = answer.getDouble("tolerance").toFloat()
        compare(answer.getJSONArray("probabilities"), found.probabilities, tolerance)
        found.saliency.forEachIndexed { y, row -> compare(answer.getJSONArray("saliency").getJSONArray(y), row, tolerance) }
        val png = golden("$image.png")
        val scaled = recognizer.letterbox(BitmapFactory.decodeByteArray(png, 0, png.size))
        val difference = scaled.indices.map { abs((scaled[it].toInt() and 255) - (bytes[it].toInt() and 255)) }.average()
        assertTrue("$image.png scaled differs by $difference", difference < answer.getDouble("pixel_tolerance"))
    }

    private fun compare(expected: JSONArray, found: FloatArray, tolerance: Float) {
        assertEquals(expected.length(), found.size)
        found.forEachIndexed { i, value -> assertEquals(expected.getDouble(i).toFloat(), value, tolerance) }
    }
}
