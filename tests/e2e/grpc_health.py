"""A gRPC health service for tests: answers SERVING for "" and NOT_SERVING for "sick". Prints its port."""
from concurrent import futures

import grpc

STATUS = {b"": b"\x08\x01", b"\x0a\x04sick": b"\x08\x02"}


def check(request, context):
    if request not in STATUS:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return STATUS[request]


class Health(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(check)
        return None


server = grpc.server(futures.ThreadPoolExecutor(2), handlers=(Health(),))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
