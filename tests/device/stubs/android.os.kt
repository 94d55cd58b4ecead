package android.os

class Bundle

object SystemClock {
    fun elapsedRealtimeNanos(): Long = TODO()
}
