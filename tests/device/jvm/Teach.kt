import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.add
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonArray
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.float
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import sdkd.example.Head

/**
 * Teaches a head. Standard input: JSON with the `head`, embeddings of `images` to classify, embeddings that are `taught`,
 * and their `labels`. Standard output: JSON with what the head says of the images `before` and `after`, and the taught
 * `head`.
 */
object Teach {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val input = Json.parseToJsonElement(System.`in`.readBytes().decodeToString()).jsonObject
        fun embeddings(name: String) = input.getValue(name).jsonArray.map(::floats)
        val head = Head.of(input.getValue("head").toString())
        val output = buildJsonObject {
            put("before", decisions(head, embeddings("images")))
            head.add(embeddings("taught"), input.getValue("labels").jsonArray.map { it.jsonPrimitive.content })
            put("after", decisions(head, embeddings("images")))
            put("head", Json.parseToJsonElement(head.toJson()))
        }
        println(output)
    }

    private fun floats(list: JsonElement) = list.jsonArray.map { it.jsonPrimitive.float }.toFloatArray()

    private fun decisions(head: Head, images: List<FloatArray>) = buildJsonArray {
        for (image in images) {
            val decision = head.classify(image)
            addJsonObject {
                putJsonArray("probabilities") { decision.probabilities.forEach { add(it) } }
                put("distance", decision.distance)
                put("known", decision.known)
            }
        }
    }
}
