package android.content.pm

object PackageManager {
    const val PERMISSION_GRANTED = 0
    @Throws(NameNotFoundException::class) fun getPackageInfo(packageName: String, flags: Int): PackageInfo = TODO()

    class NameNotFoundException : Exception()
}

class PackageInfo {
    @JvmField var lastUpdateTime = 0L
}
