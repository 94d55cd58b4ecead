package sdkd.example

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.add
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.double
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import java.nio.ByteBuffer
import java.nio.ByteOrder.LITTLE_ENDIAN
import java.util.Base64
import kotlin.math.exp
import kotlin.math.max
import kotlin.math.min
import kotlin.math.sqrt

private const val TINY = 1e-6 // relative to the longest vector: shorter ones lie in the span of the others

/** `probabilities` of the classes, how unlike all of them the image is, and whether that `distance` is within reach. */
class Decision(val probabilities: FloatArray, val distance: Double, val known: Boolean)

/**
 * The head of a converted network, as in sdkd_tf/deploy/head.py: class statistics that classify embeddings and learn new
 * objects.
 *
 * The formulas are those of sdkd_tf/strategies/discriminant.py. A symmetric matrix is a list of the rows of its lower
 * triangle. Not for several threads at once.
 */
class Head private constructor(
    private val names: MutableList<String>,
    private val counts: MutableList<Double>,
    private val means: MutableList<DoubleArray>,
    private val scatter: List<DoubleArray>,
    private val reach: List<Double>,
    private val temperature: Double,
) {
    private lateinit var center: DoubleArray // with deviation and factor, the whitening
    private lateinit var deviation: DoubleArray
    private lateinit var factor: List<DoubleArray>
    private lateinit var classes: List<DoubleArray> // class means after whitening, as what follows
    private lateinit var axes: List<DoubleArray> // along which the classes differ
    private lateinit var spread: List<DoubleArray> // factor of I + B along the axes

    val labels: List<String> get() = names
    val size: Int get() = scatter.size

    init {
        val classes = names.size
        require(classes > 0 && counts.size == classes && means.size == classes && means.all { it.size == size }) {
            "numbers of classes or features differ"
        }
        solve()
    }

    /** Learns images: the embedding of each, and the name of its class. New classes come after the known ones. */
    fun add(embeddings: List<FloatArray>, labels: List<String>) {
        embeddings.forEachIndexed { i, embedding -> addImage(embedding, labels[i]) }
        solve()
    }

    /** Welford's update. */
    private fun addImage(embedding: FloatArray, label: String) {
        if (label !in names) {
            names += label
            counts += 0.0
            means += DoubleArray(size)
        }
        val k = names.indexOf(label)
        val deviation = DoubleArray(size) { embedding[it] - means[k][it] }
        val total = counts[k] + 1
        for ((i, row) in scatter.withIndex()) {
            for (j in 0..i) row[j] += deviation[i] * deviation[j] * counts[k] / total
        }
        for (i in deviation.indices) means[k][i] += deviation[i] / total
        counts[k] = total
    }

    fun classify(embedding: FloatArray): Decision {
        val image = whiten { embedding[it].toDouble() }
        val squares = List(classes.size) { k -> // of Mahalanobis distances
            if (counts[k] > 0) squaredDistance(image, classes[k]) else Double.POSITIVE_INFINITY
        }
        val nearest = squares.min()
        val exponentials = squares.map { exp((nearest - it) / 2 / temperature) }
        val total = exponentials.sum()
        val distance = distance(image, nearest)
        val probabilities = FloatArray(classes.size) { (exponentials[it] / total).toFloat() }
        return Decision(probabilities, distance, distance <= reach[0])
    }

    /** `ClassStatistics.distances` of a whitened image, where W is the identity. */
    private fun distance(image: DoubleArray, nearest: Double): Double {
        val along = DoubleArray(axes.size) { dot(axes[it], image) }
        val outside = dot(image, image) - dot(along, along)
        val common = solve(spread, along)
        val relative = nearest - outside - dot(common, common)
        return relative / axes.size + outside / size
    }

    private fun whiten(value: (Int) -> Double) =
        solve(factor, DoubleArray(size) { (value(it) - center[it]) / deviation[it] })

    /** Shrinks the covariance toward its diagonal (OAS) and factorizes it. */
    private fun solve() {
        val seen = means.indices.filter { counts[it] > 0 }
        val degrees = max(counts.sum() - seen.size, 1.0)
        val deviations = DoubleArray(size) { sqrt(scatter[it][it] / degrees) }
        val sorted = deviations.sortedArray()
        val median = (sorted[(size - 1) / 2] + sorted[size / 2]) / 2
        deviation = DoubleArray(size) { maxOf(deviations[it], 0.1 * median + 1e-6) }
        val correlation = triangle(size) { i, j -> scatter[i][j] / degrees / deviation[i] / deviation[j] }
        val weight = oasShrinkage(correlation, degrees)
        factor = cholesky(triangle(size) { i, j -> (1 - weight) * correlation[i][j] + if (i == j) weight else 0.0 })
        center = DoubleArray(size) { i -> seen.sumOf { means[it][i] } / seen.size }
        classes = means.map { mean -> whiten { mean[it] } }
        axes = orthonormal(seen.map { classes[it] })
        val along = axes.map { axis -> DoubleArray(seen.size) { dot(axis, classes[seen[it]]) } }
        spread = cholesky(
            triangle(axes.size) { i, j -> dot(along[i], along[j]) / seen.size + if (i == j) 1.0 else 0.0 },
        )
    }

    /** The content of head.json, which Python reads. */
    fun toJson(): String = buildJsonObject {
        putJsonArray("labels") { names.forEach { add(it) } }
        putJsonArray("counts") { counts.forEach { add(it) } }
        put("means", encode(means))
        put("scatter", encode(scatter))
        putJsonArray("reach") { reach.forEach { add(it) } }
        put("temperature", temperature)
    }.toString()

    companion object {
        /** Reads the content of head.json. Throws IllegalArgumentException if convert.py did not write it. */
        fun of(json: String): Head {
            val stored = Json.parseToJsonElement(json).jsonObject
            fun value(name: String) = requireNotNull(stored[name]) { "has no $name" }
            fun numbers(name: String) = value(name).jsonArray.map { it.jsonPrimitive.double }
            val labels = value("labels").jsonArray.map { it.jsonPrimitive.content }
            val means = decode(value("means").jsonPrimitive.content)
            val size = means.size / max(labels.size, 1)
            val scatter = decode(value("scatter").jsonPrimitive.content)
            require(size > 0 && scatter.size == size * (size + 1) / 2) { "numbers of classes or features differ" }
            return Head(
                labels.toMutableList(),
                numbers("counts").toMutableList(),
                means.toList().chunked(size) { it.toDoubleArray() }.toMutableList(),
                triangle(size) { i, j -> scatter[i * (i + 1) / 2 + j] },
                numbers("reach"),
                value("temperature").jsonPrimitive.double,
            )
        }
    }
}

private inline fun triangle(size: Int, value: (Int, Int) -> Double) =
    List(size) { i -> DoubleArray(i + 1) { j -> value(i, j) } }

private fun dot(a: DoubleArray, b: DoubleArray): Double {
    var sum = 0.0
    for (i in a.indices) sum += a[i] * b[i]
    return sum
}

private fun squaredDistance(a: DoubleArray, b: DoubleArray): Double {
    var sum = 0.0
    for (i in a.indices) sum += (a[i] - b[i]) * (a[i] - b[i])
    return sum
}

/** The weight of the identity, scaled to the same trace. */
private fun oasShrinkage(covariance: List<DoubleArray>, images: Double): Double {
    val size = covariance.size
    val trace = covariance.sumOf { it.last() }
    val square = covariance.sumOf { 2 * dot(it, it) - it.last() * it.last() }
    val excess = (images + 1 - 2.0 / size) * (square - trace * trace / size)
    return if (excess > 0) min(1.0, ((1 - 2.0 / size) * square + trace * trace) / excess) else 1.0
}

/** The lower triangle L with L L' = A. */
private fun cholesky(a: List<DoubleArray>): List<DoubleArray> {
    val lower = mutableListOf<DoubleArray>()
    for (row in a) {
        val left = solve(lower, row)
        lower += left + sqrt(row.last() - dot(left, left))
    }
    return lower
}

/** The x with L x = b; entries of b beyond the rows of L are not read. */
private fun solve(lower: List<DoubleArray>, b: DoubleArray): DoubleArray {
    val x = DoubleArray(lower.size)
    for ((i, row) in lower.withIndex()) {
        var rest = b[i]
        for (j in 0 until i) rest -= row[j] * x[j]
        x[i] = rest / row[i]
    }
    return x
}

/** Orthonormal vectors with the same span (Gram-Schmidt, each twice for accuracy). */
private fun orthonormal(vectors: List<DoubleArray>): List<DoubleArray> {
    val longest = vectors.maxOf { dot(it, it) }
    val axes = mutableListOf<DoubleArray>()
    for (vector in vectors) {
        val rest = vector.copyOf()
        for (axis in axes + axes) {
            val part = dot(axis, rest)
            for (i in rest.indices) rest[i] -= part * axis[i]
        }
        val length = sqrt(dot(rest, rest))
        if (length > TINY * sqrt(longest)) axes += DoubleArray(rest.size) { rest[it] / length }
    }
    return axes
}

private fun decode(text: String): DoubleArray {
    val floats = ByteBuffer.wrap(Base64.getDecoder().decode(text)).order(LITTLE_ENDIAN).asFloatBuffer()
    return DoubleArray(floats.remaining()) { floats[it].toDouble() }
}

private fun encode(rows: List<DoubleArray>): String {
    val bytes = ByteBuffer.allocate(4 * rows.sumOf { it.size }).order(LITTLE_ENDIAN)
    for (row in rows) for (value in row) bytes.putFloat(value.toFloat())
    return Base64.getEncoder().encodeToString(bytes.array())
}
