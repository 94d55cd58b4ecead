package android.content

import android.content.pm.PackageManager
import android.content.res.AssetManager
import android.content.res.Resources
import java.io.File

abstract class Context {
    val assets: AssetManager get() = TODO()
    val resources: Resources get() = TODO()
    val filesDir: File get() = TODO()
    val packageManager: PackageManager get() = TODO()
    val packageName: String get() = TODO()
}
