package android.graphics

class Bitmap {
    enum class Config { ARGB_8888 }

    val width: Int get() = TODO()
    val height: Int get() = TODO()
    fun getPixels(pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int): Unit = TODO()
    fun copy(config: Config, isMutable: Boolean): Bitmap = TODO()

    companion object {
        fun createBitmap(colors: IntArray, width: Int, height: Int, config: Config): Bitmap = TODO()
        fun createBitmap(
            source: Bitmap, x: Int, y: Int, width: Int, height: Int, matrix: Matrix?, filter: Boolean,
        ): Bitmap = TODO()
        fun createScaledBitmap(source: Bitmap, width: Int, height: Int, filter: Boolean): Bitmap = TODO()
    }
}

object BitmapFactory {
    fun decodeByteArray(data: ByteArray, offset: Int, length: Int): Bitmap = TODO()
}

class Canvas(bitmap: Bitmap) {
    fun drawBitmap(bitmap: Bitmap, left: Float, top: Float, paint: Paint?): Unit = TODO()
}

class Paint

object Color {
    const val BLACK = -0x1000000
    const val WHITE = -1
    fun rgb(red: Int, green: Int, blue: Int): Int = TODO()
    fun argb(alpha: Int, red: Int, green: Int, blue: Int): Int = TODO()
}

class Matrix {
    fun postRotate(degrees: Float): Boolean = TODO()
}
