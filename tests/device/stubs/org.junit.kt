package org.junit

annotation class Test

object Assert {
    fun assertTrue(message: String?, condition: Boolean): Unit = TODO()
    fun assertEquals(expected: Any?, actual: Any?): Unit = TODO()
    fun assertEquals(expected: Long, actual: Long): Unit = TODO()
    fun assertEquals(expected: Float, actual: Float, delta: Float): Unit = TODO()
}
