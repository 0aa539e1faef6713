"""A Ray cluster of two nodes with a core each, alone in its network; a line on standard input ends the second node."""

import sys

from ray.cluster_utils import Cluster

LITTLE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}

if __name__ == "__main__":
    cluster = Cluster(initialize_head=True, head_node_args=LITTLE)
    second = cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    print(cluster.address, flush=True)
    for _ in sys.stdin:
        cluster.remove_node(second, allow_graceful=False)
        print("ended", flush=True)
    cluster.shutdown()
