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

class TextView(context: Context) : View(context) {
    var text: CharSequence = ""
    var textSize = 0f
    fun setTextColor(color: Int): Unit = TODO()
}
