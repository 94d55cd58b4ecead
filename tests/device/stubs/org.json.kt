package org.json

class JSONObject(json: String) {
    fun getString(name: String): String = TODO()
    fun getDouble(name: String): Double = TODO()
    fun getJSONArray(name: String): JSONArray = TODO()
    fun getJSONObject(name: String): JSONObject = TODO()
}

class JSONArray {
    fun length(): Int = TODO()
    fun getDouble(index: Int): Double = TODO()
    fun getJSONArray(index: Int): JSONArray = TODO()
}
