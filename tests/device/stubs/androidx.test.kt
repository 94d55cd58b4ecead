package androidx.test.platform.app

import android.content.Context

class Instrumentation {
    val targetContext: Context get() = TODO()
}

object InstrumentationRegistry {
    fun getInstrumentation(): Instrumentation = TODO()
}
