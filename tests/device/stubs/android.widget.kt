package android.widget

import android.content.Context
import android.graphics.Bitmap
import android.view.View
import android.view.ViewGroup

open class FrameLayout(context: Context) : ViewGroup(context) {
    open class LayoutParams : ViewGroup.LayoutParams {
        constructor(width: Int, height: Int) : super(width, height)
        constructor(width: Int, height: Int, gravity: Int) : super(width, height)
    }
}

class ImageView(context: Context) : View(context) {
    fun setImageBitmap(bitmap: Bitmap?): Unit = TODO()
}

class LinearLayout(context: Context) : ViewGroup(context) {
    var orientation = 0

    companion object {
        const val VERTICAL = 1
    }
}

open class TextView(context: Context) : View(context) {
    var text: CharSequence = ""
    var textSize = 0f
    var hint: CharSequence? = null
    var error: CharSequence? = null
    fun setSingleLine(): Unit = TODO()
    fun setTextColor(color: Int): Unit = TODO()
}

class EditText(context: Context) : TextView(context)

class Button(context: Context) : TextView(context)

class Toast {
    fun show(): Unit = TODO()

    companion object {
        const val LENGTH_SHORT = 0
        @JvmStatic fun makeText(context: Context, text: CharSequence, duration: Int): Toast = TODO()
    }
}
