"""The echo methods of echo_server.c, served by grpcio: for our clients, and
for the benchmark's comparison.  Without generated code: bytes in, bytes out.

  grpcio_server.py [--endless] [DIRECTORY with cert.pem, key.pem, roots.pem]
"""
import os
import sys
import threading
import time
from concurrent import futures

import grpc


def once(request, context):
    metadata = tuple((k, v) for k, v in context.invocation_metadata() if k.startswith("x-"))
    context.send_initial_metadata(metadata)
    context.set_trailing_metadata(metadata)
    return request


def chat(requests, context):
    for r in requests:
        yield r


def list_(request, context):
    count, size = map(int, request.split())
    for i in range(count):
        yield (i.to_bytes(4, "big") + b"x" * size)[:size]


def endless(request, context):
    m = b"b" * int(request)
    while True:
        yield m


def sum_(requests, context):
    count = size = 0
    for r in requests:
        count += 1
        size += len(r)
    return b"%d %d" % (count, size)


def fail(request, context):
    code, _, text = request.decode().partition(" ")
    codes = {c.value[0]: c for c in grpc.StatusCode}
    context.abort(codes[int(code)], text)


def hang(requests, context):
    ended = threading.Event()
    context.add_callback(ended.set)
    ended.wait()
    return iter([])


def give_up(requests, context):
    next(requests)
    context.cancel()
    return iter([])


def ack(requests, context):
    for _ in requests:
        yield b"ack"


def who(request, context):
    return context.peer().encode()


def main():
    directory = sys.argv[-1] if len(sys.argv) > 1 and os.path.isdir(sys.argv[-1]) else None
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1),
               ("grpc.max_metadata_size", 1 << 20), ("grpc.so_reuseport", 0)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1200), options=options)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", {
        "Once": grpc.unary_unary_rpc_method_handler(once),
        "Chat": grpc.stream_stream_rpc_method_handler(chat),
        "List": grpc.unary_stream_rpc_method_handler(list_),
        "Endless": grpc.unary_stream_rpc_method_handler(endless),
        "Sum": grpc.stream_unary_rpc_method_handler(sum_),
        "Fail": grpc.unary_unary_rpc_method_handler(fail),
        "Hang": grpc.stream_stream_rpc_method_handler(hang),
        "GiveUp": grpc.stream_stream_rpc_method_handler(give_up),
        "Ack": grpc.stream_stream_rpc_method_handler(ack),
        "Who": grpc.unary_unary_rpc_method_handler(who),
    }),))
    address = "127.0.0.1:0"
    if directory:
        def read(name):
            path = os.path.join(directory, name)
            return open(path, "rb").read() if os.path.exists(path) else None
        roots = read("roots.pem")
        credentials = grpc.ssl_server_credentials([(read("key.pem"), read("cert.pem"))], roots,
                                                  roots is not None)
        port = server.add_secure_port(address, credentials)
    else:
        port = server.add_insecure_port(address)
    server.start()
    print("127.0.0.1:%d" % port, flush=True)
    if "--endless" in sys.argv:
        time.sleep(3600)
    sys.stdin.read()
    server.stop(0)


if __name__ == "__main__":
    main()
