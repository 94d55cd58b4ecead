package sdkd.example

import android.Manifest.permission.CAMERA
import android.content.pm.PackageManager.PERMISSION_GRANTED
import android.graphics.Bitmap
import android.graphics.Color
import android.graphics.Matrix
import android.os.Bundle
import android.os.SystemClock
import android.widget.FrameLayout
import android.widget.ImageView
import android.widget.TextView
import androidx.activity.ComponentActivity
import androidx.activity.result.contract.ActivityResultContracts.RequestPermission
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.ImageProxy
import androidx.camera.core.Preview
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.camera.view.PreviewView
import androidx.core.content.ContextCompat
import java.util.concurrent.Executors

/** Camera preview; the square that the network sees lies over it, its salient part in red, the label below. */
class MainActivity : ComponentActivity() {
    private lateinit var recognizer: Recognizer
    private lateinit var preview: PreviewView
    private lateinit var seen: ImageView
    private lateinit var text: TextView
    private val worker = Executors.newSingleThreadExecutor()

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        recognizer = Recognizer(this)
        preview = PreviewView(this)
        seen = ImageView(this)
        text = TextView(this).apply { textSize = 24f; setTextColor(Color.WHITE); setBackgroundColor(Color.BLACK) }
        val side = resources.displayMetrics.widthPixels / 2
        setContentView(FrameLayout(this).apply {
            addView(preview)
            addView(seen, FrameLayout.LayoutParams(side, side))
            addView(text, FrameLayout.LayoutParams(-1, -2, android.view.Gravity.BOTTOM))
        })
        val ask = registerForActivityResult(RequestPermission()) { granted ->
            if (granted) start() else text.text = getString(android.R.string.cancel)
        }
        if (ContextCompat.checkSelfPermission(this, CAMERA) == PERMISSION_GRANTED) start() else ask.launch(CAMERA)
    }

    private fun start() {
        val future = ProcessCameraProvider.getInstance(this)
        future.addListener({
            val show = Preview.Builder().build().apply { surfaceProvider = preview.surfaceProvider }
            val analysis = ImageAnalysis.Builder()
                .setOutputImageFormat(ImageAnalysis.OUTPUT_IMAGE_FORMAT_RGBA_8888)
                .setBackpressureStrategy(ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST)
                .build()
            analysis.setAnalyzer(worker, ::recognize)
            future.get().bindToLifecycle(this, CameraSelector.DEFAULT_BACK_CAMERA, show, analysis)
        }, ContextCompat.getMainExecutor(this))
    }

    private fun recognize(frame: ImageProxy) = frame.use {
        val turn = Matrix().apply { postRotate(frame.imageInfo.rotationDegrees.toFloat()) }
        val upright = frame.toBitmap().let { Bitmap.createBitmap(it, 0, 0, it.width, it.height, turn, true) }
        val square = recognizer.letterbox(upright)
        val start = SystemClock.elapsedRealtimeNanos()
        val answer = recognizer.run(recognizer.rgbOf(square))
        val milliseconds = (SystemClock.elapsedRealtimeNanos() - start) / 1e6
        val best = answer.probabilities.indices.maxBy { answer.probabilities[it] }
        val line = "%s %.2f  %.1f ms".format(recognizer.labels[best], answer.probabilities[best], milliseconds)
        val picture = overlay(square, answer.saliency)
        runOnUiThread {
            text.text = line
            seen.setImageBitmap(picture)
        }
    }

    private fun overlay(square: Bitmap, saliency: Array<FloatArray>): Bitmap {
        val side = saliency.size
        val map = Bitmap.createBitmap(side, side, Bitmap.Config.ARGB_8888)
        for (y in 0 until side) for (x in 0 until side) {
            map.setPixel(x, y, Color.argb((150 * saliency[y][x]).toInt(), 255, 0, 0))
        }
        val smooth = Bitmap.createScaledBitmap(map, square.width, square.height, true)
        return square.copy(Bitmap.Config.ARGB_8888, true).also { android.graphics.Canvas(it).drawBitmap(smooth, 0f, 0f, null) }
    }

    override fun onDestroy() {
        super.onDestroy()
        worker.execute { recognizer.close() } // after the last frame
        worker.shutdown()
    }
}
