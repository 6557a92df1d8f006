"""What a pod can do to its vhost-user socket and its memory harms nobody else."""
import contextlib
import os
import struct
import unittest

from harness.case import LabTest
from harness.manifests import make_pod, pod_object
from harness.vhost_peer import (GET_FEATURES, GET_INFLIGHT_FD, GET_QUEUE_NUM, NEED_REPLY, SET_LOG_BASE,
                                SET_VRING_KICK, SET_VRING_NUM, VhostPeer)


class Hostile(LabTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.evil, self.late = make_pod("evil", 66), make_pod("late", 67)
        self.lab.apply(pod_object(self.evil), pod_object(self.late))
        self.lab.add_port(self.evil, more=["--queues", "2"])

    def connect(self):
        peer = VhostPeer.connect(self.evil.socket)
        self.addCleanup(peer.socket.close)
        self.addCleanup(peer.close)
        return peer

    def open_files(self):
        return len(os.listdir(f"/proc/{self.lab.switch.pid}/fd"))

    def link_up(self):
        return self.ctl.ports()[self.evil.port]["link_up"]

    def assertOthersAreServed(self):
        """Pods that are there, one that comes, policy, and the end of the port itself."""
        self.assertConnects()
        self.lab.add_port(self.late)
        pktgen = self.lab.start_pktgen([self.late])
        self.assertTrue(pktgen.connect(self.late.name, self.b.addresses[0], 7)["ok"])
        self.lab.apply(pod_object(self.late, touched="yes"))
        self.ctl.delete_port(self.evil.port)
        self.assertConnects()
        self.assertTrue(self.lab.switch.running())

    def test_a_peer_that_takes_its_memory_away_loses_its_port_alone(self):
        peer = self.connect()
        peer.set_up()
        self.lab.wait_until(self.link_up, "the peer is served")
        peer.take_memory_away()
        self.lab.wait_until(lambda: not self.link_up(), "the peer is cut off")
        self.assertConnects()
        peer.close()
        again = self.connect()
        again.set_up()
        self.lab.wait_until(self.link_up, "one that comes again is served")
        self.assertOthersAreServed()

    def test_memory_taken_away_before_the_rings_are_set_up(self):
        for _ in range(20):
            peer = self.connect()
            with contextlib.suppress(ConnectionError):
                peer.set_up()
                peer.take_memory_away()
                peer.set_up()
            peer.close()
        self.assertOthersAreServed()

    def test_memory_that_was_never_there(self):
        for _ in range(20):
            peer = self.connect()
            peer.set_up()
            self.lab.wait_until(self.link_up, "the peer is served")
            peer.set_up_memory_that_is_not_there()
            self.assertTrue(peer.hung_up())
            peer.close()
        self.assertOthersAreServed()

    def test_files_that_come_with_refused_messages_are_closed(self):
        before = self.open_files()
        for request in (SET_LOG_BASE, GET_INFLIGHT_FD, GET_QUEUE_NUM):
            for _ in range(20):
                peer = self.connect()
                peer.send(request, bytes(16), [0] * 8, NEED_REPLY)
                peer.hung_up()
                peer.close()
        self.lab.wait_until(lambda: self.open_files() <= before + 8, "files are closed")

    def test_rings_beyond_those_that_are_offered_are_refused(self):
        for request in (SET_VRING_NUM, SET_VRING_KICK):
            with self.subTest(request=request):
                peer = self.connect()
                peer.send(request, struct.pack("<II", 4, 256), flags=NEED_REPLY)
                self.assertTrue(peer.hung_up())
                peer.close()

    def test_half_a_message_holds_up_nobody(self):
        peers = [self.connect(), self.connect()]
        for peer in peers:
            peer.send_half()
        for peer in peers:
            self.assertTrue(peer.hung_up())
        self.assertOthersAreServed()

    def test_answers_that_nobody_reads_hold_up_nobody(self):
        for flags in (0, NEED_REPLY):
            peer = self.connect()
            with contextlib.suppress(ConnectionError, TimeoutError):
                for _ in range(100_000):
                    peer.send(GET_FEATURES, flags=flags)
        self.assertOthersAreServed()

    def test_connections_are_bounded(self):
        peers = [self.connect() for _ in range(1100)]
        self.assertTrue(all(peer.hung_up() for peer in peers[2:]))
        self.assertOthersAreServed()

    def test_a_peer_is_offered_the_queues_that_are_read(self):
        self.assertEqual(self.connect().ask(GET_QUEUE_NUM), 2)

    def test_memory_beside_that_of_the_rings_is_refused(self):
        for request in (SET_LOG_BASE, GET_INFLIGHT_FD):
            with self.subTest(request=request):
                peer = self.connect()
                peer.send(request, bytes(16))
                self.assertTrue(peer.hung_up())
                peer.close()
        self.assertOthersAreServed()


if __name__ == "__main__":
    unittest.main()
