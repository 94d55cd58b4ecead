package android.view

import android.content.Context

open class View(context: Context) {
    fun interface OnClickListener {
        fun onClick(view: View)
    }

    var visibility = 0
    fun setOnClickListener(listener: OnClickListener?): Unit = TODO()
    fun setPadding(left: Int, top: Int, right: Int, bottom: Int): Unit = TODO()
    fun setBackgroundColor(color: Int): Unit = TODO()

    companion object {
        const val VISIBLE = 0
        const val GONE = 8
    }
}

abstract class ViewGroup(context: Context) : View(context) {
    open class LayoutParams(width: Int, height: Int) {
        companion object {
            const val MATCH_PARENT = -1
            const val WRAP_CONTENT = -2
        }
    }

    fun addView(child: View): Unit = TODO()
    fun addView(child: View, params: LayoutParams): Unit = TODO()
}

object Gravity {
    const val BOTTOM = 80
    const val END = 8388613
}
