package org.tensorflow.lite

import java.nio.ByteBuffer

class Interpreter(model: ByteBuffer, options: Options) : AutoCloseable {
    class Options {
        fun setNumThreads(threads: Int): Options = TODO()
    }

    fun getInputTensorFromSignature(name: String, signature: String?): Tensor = TODO()
    fun getOutputTensorFromSignature(name: String, signature: String?): Tensor = TODO()
    fun getSignatureOutputs(signature: String): Array<String> = TODO()
    fun runSignature(inputs: Map<String, Any>, outputs: Map<String, Any>, signature: String?): Unit = TODO()
    override fun close(): Unit = TODO()
}

interface Tensor {
    fun shape(): IntArray
}
