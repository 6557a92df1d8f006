"""A policy with sluice.io/audit: "true": told, not carried out; and carried out once the annotation
goes."""
import copy
import unittest

from harness.stacks import SERVE, StackTest

NAME = "NetworkPolicy default/servers-admit-clients"
AUDIT = copy.deepcopy(SERVE)
AUDIT["metadata"]["annotations"] = {"sluice.io/audit": "true"}


class Audit(StackTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.serve_http("veth-server", cls.lab.directory)

    def setUp(self):
        self.lab.apply(AUDIT)
        super().setUp()

    def audited(self):
        """{reason: packets} of rows that are audited and name the policy."""
        rows = [drop for drop in self.ctl.json("drops")["drops"] if drop["audited"]]
        for row in rows:
            self.assertEqual(row["policies"], [NAME])
        return {row["reason"]: int(row["packets"]) for row in rows}

    def test_who_would_be_denied_gets_through_and_is_told_of(self):
        before = self.audited().get("policy_ingress", 0)
        for family in (4, 6):
            self.assertTrue(self.connects("stranger", "veth-server", family))
        self.assertGreaterEqual(self.audited()["policy_ingress"], before + 2)
        self.assertNoPolicyDrop()
        self.assertIn("audited: would be", self.ctl.run("drops"))

    def test_who_is_admitted_is_not_told_of(self):
        before = self.audited()
        self.assertTrue(self.connects("veth-client", "veth-server"))
        self.assertEqual(self.audited(), before)

    def test_without_the_annotation_it_is_carried_out(self):
        self.lab.apply(SERVE)
        self.new_drops()
        self.assertFalse(self.connects("stranger", "veth-server"))
        self.assertGreater(self.new_drops().get(("stranger", "policy_ingress"), 0), 0)


if __name__ == "__main__":
    unittest.main()
