"""Fit a line in several processes that each see a part of the data, without any package.

Each process computes the gradient on its own rows; the first gathers all gradients, and every
process takes the same step. It is what torch.distributed's all_reduce does, in the open.
"""

import os
import random
import socket
import struct

RANK, WORLD_SIZE = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
MEETING_PLACE = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
STEPS, RATE = 200, 0.5


def meet():
    """Connect everybody with the first process."""
    if RANK == 0:
        with socket.create_server(MEETING_PLACE) as server:
            return [server.accept()[0] for _ in range(WORLD_SIZE - 1)]
    while True:
        try:
            return [socket.create_connection(MEETING_PLACE)]
        except ConnectionRefusedError:
            pass  # the first process is not there yet


def receive(peer, count):
    """Read so many numbers."""
    data = b""
    while len(data) < 8 * count:
        piece = peer.recv(8 * count - len(data))
        if not piece:
            raise ConnectionError("another process has ended")
        data += piece
    return struct.unpack(f"{count}d", data)


def mean(peers, values):
    """Return the mean of what all processes give."""
    if RANK == 0:
        everybody = [values, *(receive(peer, len(values)) for peer in peers)]
        values = [sum(column) / WORLD_SIZE for column in zip(*everybody, strict=True)]
        for peer in peers:
            peer.sendall(struct.pack(f"{len(values)}d", *values))
        return values
    peers[0].sendall(struct.pack(f"{len(values)}d", *values))
    return receive(peers[0], len(values))


def main():
    """Fit y = 3 x + 1 on this process's share of the rows."""
    random.seed(0)
    rows = [(x, 3 * x + 1) for x in (random.random() for _ in range(400))][RANK::WORLD_SIZE]
    peers, slope, offset = meet(), 0.0, 0.0
    for _ in range(STEPS):
        errors = [(slope * x + offset - y, x) for x, y in rows]
        step = mean(peers, [sum(e * x for e, x in errors) / len(rows), sum(e for e, _ in errors) / len(rows)])
        slope, offset = slope - RATE * step[0], offset - RATE * step[1]
    print(f"process {RANK} of {WORLD_SIZE} saw {len(rows)} rows and found y = {slope:.2f} x + {offset:.2f}")


if __name__ == "__main__":
    main()
