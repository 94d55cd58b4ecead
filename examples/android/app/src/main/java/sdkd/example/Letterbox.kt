package sdkd.example

import kotlin.math.abs
import kotlin.math.max
import kotlin.math.min
import kotlin.math.round

private const val BITS = 22 // of the weights' fraction; with 8 bits of a pixel they fit an Int

/** Where the source's pixels of one scaled pixel begin, and their weights. */
private class Taps(val first: Int, val weights: IntArray)

/**
 * Scales an image as sdkd_tf/data/images.py does: to fit a square, keeping its aspect ratio, centered on black; transparent pixels become black.
 *
 * The filter is Pillow's BILINEAR, a triangle as wide as two pixels of the result, so that every pixel of a large photo counts.
 * Android's own filters read four.
 *
 * @param readRow fills an array with the pixels of row `y`, ARGB as Bitmap.getPixels gives them.
 * @return RGB bytes of the square, row by row.
 */
fun letterbox(width: Int, height: Int, size: Int, readRow: (y: Int, row: IntArray) -> Unit): ByteArray {
    val w = if (width >= height) size else round(width.toDouble() / height * size).toInt()
    val h = if (width <= height) size else round(height.toDouble() / width * size).toInt()
    require(w > 0 && h > 0) { "$width x $height pixels are too thin to be scaled to $size" }
    val across = taps(width, w)
    val narrow = ByteArray(3 * w * height)
    val row = IntArray(width)
    val rgb = ByteArray(3 * width)
    for (y in 0 until height) {
        readRow(y, row)
        onBlack(row, rgb)
        scaleLine(across, rgb, 0, 3, narrow, 3 * w * y, 3)
    }
    val down = taps(height, h)
    val square = ByteArray(3 * size * size)
    val start = 3 * (round((size - h) / 2.0).toInt() * size + round((size - w) / 2.0).toInt())
    for (x in 0 until w) scaleLine(down, narrow, 3 * x, 3 * w, square, start + 3 * x, 3 * size)
    return square
}

private fun taps(from: Int, to: Int): List<Taps> {
    val scale = from.toDouble() / to
    val support = max(scale, 1.0)
    return List(to) { i ->
        val center = (i + 0.5) * scale
        val first = max(0, (center - support + 0.5).toInt())
        val end = min(from, (center + support + 0.5).toInt())
        val triangle = DoubleArray(end - first) { max(0.0, 1 - abs((it + first - center + 0.5) * (1 / support))) }
        val sum = triangle.sum()
        Taps(first, IntArray(end - first) { (0.5 + triangle[it] / sum * (1 shl BITS)).toInt() })
    }
}

private fun onBlack(row: IntArray, rgb: ByteArray) {
    for (x in row.indices) {
        val alpha = row[x] ushr 24
        for (c in 0..2) {
            val value = row[x] ushr (16 - 8 * c) and 255
            rgb[3 * x + c] = ((value * alpha + 127) / 255).toByte()
        }
    }
}

/** Steps are from pixel to pixel of the line, in bytes. */
private fun scaleLine(
    taps: List<Taps>,
    source: ByteArray,
    sourceStart: Int,
    sourceStep: Int,
    target: ByteArray,
    targetStart: Int,
    targetStep: Int,
) {
    for (i in taps.indices) {
        val first = taps[i].first
        val weights = taps[i].weights
        for (c in 0..2) {
            var sum = 1 shl (BITS - 1) // so that the shift rounds
            for (k in weights.indices) {
                sum += (source[sourceStart + (first + k) * sourceStep + c].toInt() and 255) * weights[k]
            }
            target[targetStart + i * targetStep + c] = (sum shr BITS).toByte()
        }
    }
}
