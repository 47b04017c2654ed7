"""LitServe as its manual has it, on one worker. Arguments: folder, port."""

import sys

import common
import litserve


class Api(litserve.LitAPI):
    def setup(self, device):
        self.model = common.Model(sys.argv[1])

    def decode_request(self, request):
        return request

    def predict(self, document):
        return self.model.predict(document)

    def encode_response(self, output):
        return {"probs": output}


if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu", workers_per_device=1)
    server.run(
        port=int(sys.argv[2]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="error",
        access_log=False,
    )
