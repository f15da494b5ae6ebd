"""llama.cpp's own HTTP server as one command. SIGTERM ends it; /health is 503 until the model is loaded."""
import argparse
import signal

import xllamacpp

a = argparse.ArgumentParser(description=__doc__)
a.add_argument("--model", required=True, help="GGUF file")
a.add_argument("--port", type=int, required=True)
a.add_argument("--host", default="127.0.0.1")
a.add_argument("--ctx", type=int, default=4096, help="tokens, shared by the slots")
a.add_argument("--parallel", type=int, default=4, help="slots")
a.add_argument("--threads", type=int, default=2)
a.add_argument("--embedding", action="store_true", help="serve embeddings in place of text")
o = a.parse_args()

p = xllamacpp.CommonParams()
p.model.path = o.model
p.hostnames = [o.host]
p.port = o.port
p.n_ctx = o.ctx
p.n_parallel = o.parallel
p.cpuparams.n_threads = o.threads
p.embedding = o.embedding
if o.embedding:
    p.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
p.endpoint_metrics = True
p.endpoint_slots = True
signal.signal(signal.SIGTERM, signal.SIG_DFL)
server = xllamacpp.Server(p)
signal.pause()
