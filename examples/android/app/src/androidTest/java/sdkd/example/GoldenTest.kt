package sdkd.example

import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import java.nio.ByteBuffer

/** The device answers the golden input as convert.py's machine did. */
@RunWith(AndroidJUnit4::class)
class GoldenTest {
    private val context = InstrumentationRegistry.getInstrumentation().targetContext

    private fun golden(name: String) = context.assets.open("golden/$name").use { it.readBytes() }

    @Test
    fun answersTheGoldenInput() = Recognizer(context).use { recognizer ->
        val expected = JSONObject(String(golden("expected.json")))
        val bytes = golden("input.bin")
        val input = ByteBuffer.allocateDirect(bytes.size).put(bytes)
        val answer = recognizer.run(input)
        val best = answer.probabilities.indices.maxBy { answer.probabilities[it] }
        assertEquals(expected.getString("label"), recognizer.labels[best])
        val tolerance = expected.getDouble("tolerance").toFloat()
        compare(expected.getJSONArray("probabilities"), answer.probabilities, tolerance)
        answer.saliency.forEachIndexed { y, row -> compare(expected.getJSONArray("saliency").getJSONArray(y), row, tolerance) }
    }

    private fun compare(expected: JSONArray, found: FloatArray, tolerance: Float) {
        assertEquals(expected.length(), found.size)
        found.forEachIndexed { i, value -> assertEquals(expected.getDouble(i).toFloat(), value, tolerance) }
    }
}
