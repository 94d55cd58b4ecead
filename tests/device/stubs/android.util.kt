package android.util

class DisplayMetrics {
    @JvmField var widthPixels = 0
    @JvmField var heightPixels = 0
}
