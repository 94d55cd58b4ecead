package androidx.core.view

import android.view.View

class Insets {
    @JvmField val left = 0
    @JvmField val top = 0
    @JvmField val right = 0
    @JvmField val bottom = 0
}

class WindowInsetsCompat {
    object Type {
        fun systemBars(): Int = TODO()
        fun displayCutout(): Int = TODO()
    }

    fun getInsets(types: Int): Insets = TODO()
}

fun interface OnApplyWindowInsetsListener {
    fun onApplyWindowInsets(view: View, insets: WindowInsetsCompat): WindowInsetsCompat
}

object ViewCompat {
    fun setOnApplyWindowInsetsListener(view: View, listener: OnApplyWindowInsetsListener?): Unit = TODO()
}
