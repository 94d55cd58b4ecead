package sdkd.example

import android.Manifest.permission.CAMERA
import android.content.pm.PackageManager.PERMISSION_GRANTED
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Matrix
import android.os.Bundle
import android.os.SystemClock
import android.view.Gravity
import android.view.View
import android.view.ViewGroup.LayoutParams
import android.widget.Button
import android.widget.EditText
import android.widget.FrameLayout
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.TextView
import android.widget.Toast
import androidx.activity.ComponentActivity
import androidx.activity.enableEdgeToEdge
import androidx.activity.result.contract.ActivityResultContracts.RequestPermission
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.ImageProxy
import androidx.camera.core.Preview
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.camera.view.PreviewView
import androidx.core.content.ContextCompat
import androidx.core.view.ViewCompat
import androidx.core.view.WindowInsetsCompat
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicReference

/** Camera preview; the square that the network sees lies over it, its salient part in red, the label below. */
class MainActivity : ComponentActivity() {
    private var recognizer: Recognizer? = null
    private var head: Head? = null
    private val lesson = AtomicReference<String?>() // the name under which the next view is taught
    private lateinit var preview: PreviewView
    private lateinit var seen: ImageView
    private lateinit var text: TextView
    private lateinit var teaching: View
    private val worker = Executors.newSingleThreadExecutor()

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        enableEdgeToEdge()
        setContentView(views())
        val ask = registerForActivityResult(RequestPermission()) { granted ->
            if (granted) start() else tell("Without the camera there is nothing to see.")
        }
        val loaded = runCatching { Recognizer(this).also { head = HeadFile(this).read(it.embeddingSize) } }
        recognizer = loaded.getOrNull()
        teaching.visibility = if (head == null) View.GONE else View.VISIBLE
        when {
            recognizer == null -> tell("The model cannot be loaded (${loaded.exceptionOrNull()}). See README.md.")
            ContextCompat.checkSelfPermission(this, CAMERA) == PERMISSION_GRANTED -> start()
            else -> ask.launch(CAMERA)
        }
    }

    /** The preview fills the screen; what lies over it stays clear of the system's bars and the camera's hole. */
    private fun views(): FrameLayout {
        preview = PreviewView(this)
        seen = ImageView(this)
        text = TextView(this).apply { textSize = 24f; setTextColor(Color.WHITE); setBackgroundColor(Color.BLACK) }
        teaching = teachingViews()
        val side = minOf(resources.displayMetrics.widthPixels, resources.displayMetrics.heightPixels) / 2
        val above = FrameLayout(this).apply {
            addView(seen, FrameLayout.LayoutParams(side, side))
            addView(teaching, FrameLayout.LayoutParams(side, LayoutParams.WRAP_CONTENT, Gravity.END))
            addView(text, FrameLayout.LayoutParams(LayoutParams.MATCH_PARENT, LayoutParams.WRAP_CONTENT, Gravity.BOTTOM))
        }
        ViewCompat.setOnApplyWindowInsetsListener(above) { view, insets ->
            val bars = insets.getInsets(WindowInsetsCompat.Type.systemBars() or WindowInsetsCompat.Type.displayCutout())
            view.setPadding(bars.left, bars.top, bars.right, bars.bottom)
            insets
        }
        return FrameLayout(this).apply { addView(preview); addView(above) }
    }

    /** A field for a name, and a button that teaches what is seen under this name. */
    private fun teachingViews(): View {
        val name = EditText(this).apply { hint = "name"; setSingleLine(); setBackgroundColor(Color.WHITE) }
        val button = Button(this).apply { text = "teach" }
        button.setOnClickListener {
            val typed = name.text.toString().trim()
            // As a folder can be named, so that photos of the object can be trained on later.
            val named = Regex("[\\p{L}\\p{N}][\\p{L}\\p{M}\\p{N} _-]*").matches(typed)
            if (named) lesson.set(typed) else name.error = "Type the name of the object: letters, digits, spaces, - and _."
        }
        return LinearLayout(this).apply { orientation = LinearLayout.VERTICAL; addView(name); addView(button) }
    }

    private fun tell(line: String) = runOnUiThread { text.text = line }

    private fun start() {
        val future = ProcessCameraProvider.getInstance(this)
        future.addListener({
            runCatching { bind(future.get()) }.onFailure { tell("The camera cannot be used (${it.message}).") }
        }, ContextCompat.getMainExecutor(this))
    }

    /** The camera at the back, or any that there is, until the activity ends. */
    private fun bind(provider: ProcessCameraProvider) {
        val back = CameraSelector.DEFAULT_BACK_CAMERA
        val camera = if (provider.hasCamera(back)) back else provider.availableCameraInfos.first().cameraSelector
        val show = Preview.Builder().build().apply { surfaceProvider = preview.surfaceProvider }
        val analysis = ImageAnalysis.Builder()
            .setOutputImageFormat(ImageAnalysis.OUTPUT_IMAGE_FORMAT_RGBA_8888)
            .setBackpressureStrategy(ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST)
            .build()
        analysis.setAnalyzer(worker) { frame ->
            runCatching { frame.use(::recognize) }.onFailure { tell("The image cannot be recognized (${it.message}).") }
        }
        provider.bindToLifecycle(this, camera, show, analysis)
    }

    private fun recognize(frame: ImageProxy) {
        val recognizer = recognizer ?: return
        val turn = Matrix().apply { postRotate(frame.imageInfo.rotationDegrees.toFloat()) }
        val upright = frame.toBitmap().let { Bitmap.createBitmap(it, 0, 0, it.width, it.height, turn, false) }
        val square = recognizer.letterbox(upright)
        val start = SystemClock.elapsedRealtimeNanos()
        val answer = recognizer.run(square)
        val milliseconds = (SystemClock.elapsedRealtimeNanos() - start) / 1e6
        val line = "%s  %.1f ms".format(label(recognizer, answer), milliseconds)
        val picture = overlay(square, recognizer.inputSize, answer.saliency)
        runOnUiThread {
            text.text = line
            seen.setImageBitmap(picture)
        }
    }

    /** The best label, by the head if there is one. */
    private fun label(recognizer: Recognizer, answer: Answer): String {
        val head = head ?: return best(recognizer.labels, answer.probabilities)
        lesson.getAndSet(null)?.let { teach(head, answer.embedding, it) }
        val decision = head.classify(answer.embedding)
        return if (decision.known) best(head.labels, decision.probabilities) else "unknown"
    }

    /** A new object, or one more view of a known one. */
    private fun teach(head: Head, embedding: FloatArray, name: String) {
        val label = head.labels.find { it.equals(name, ignoreCase = true) } ?: name
        head.add(listOf(embedding), listOf(label))
        HeadFile(this).write(head)
        runOnUiThread { Toast.makeText(this, "learned: $label", Toast.LENGTH_SHORT).show() }
    }

    private fun best(labels: List<String>, probabilities: FloatArray): String {
        val best = probabilities.indices.maxBy { probabilities[it] }
        return "%s %.2f".format(labels[best], probabilities[best])
    }

    private fun overlay(rgb: ByteArray, size: Int, saliency: Array<FloatArray>): Bitmap {
        val byte = { at: Int -> rgb[at].toInt() and 255 }
        val colors = IntArray(size * size) { Color.rgb(byte(3 * it), byte(3 * it + 1), byte(3 * it + 2)) }
        val side = saliency.size
        val red = IntArray(side * side) { Color.argb((150 * saliency[it / side][it % side]).toInt(), 255, 0, 0) }
        val map = Bitmap.createBitmap(red, side, side, Bitmap.Config.ARGB_8888)
        return Bitmap.createBitmap(colors, size, size, Bitmap.Config.ARGB_8888).copy(Bitmap.Config.ARGB_8888, true).also {
            Canvas(it).drawBitmap(Bitmap.createScaledBitmap(map, size, size, true), 0f, 0f, null)
        }
    }

    override fun onDestroy() {
        super.onDestroy()
        worker.execute { recognizer?.close() } // after the last frame
        worker.shutdown()
    }
}
