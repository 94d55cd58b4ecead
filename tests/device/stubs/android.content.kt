package android.content

import android.content.res.AssetManager
import android.content.res.Resources

abstract class Context {
    val assets: AssetManager get() = TODO()
    val resources: Resources get() = TODO()
}
