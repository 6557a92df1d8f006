# The commands of README.md; meson does the work. As root on a fresh Debian 12 each of them does
# its own set-up (packages, huge pages if that is easy, build).
SHELL := /bin/bash
BUILD ?= build
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 3600
SECTION ?= all
RESULTS ?= perf/results/latest.json
PROGRAMS := control/grpc/sluiced control/ctl/sluicectl control/watcher/sluice-watcher control/cni/sluice-cni perf/pktgen/sluice-pktgen

.PHONY: help build test demo demo-beyond test-kube bench lint fuzz soak mutants image full clean packages packages-check \
  packages-bench packages-image packages-test packages-kube hugepages

help:
	@echo "make build   programs into $(BUILD)/bin"
	@echo "make demo    six pods, six policies, every expectation checked (root)"
	@echo "make demo-beyond  a pod that may reach names, requests without a pattern, and the event log (root)"
	@echo "make test    all tests but test-kube"
	@echo "make test-kube  against a real kube-apiserver, etcd, Multus (root, Go; the first build takes long)"
	@echo "make bench   throughput and latency, into perf/results/latest.json; SECTION=policy, inspect: their cost; peers: beside testpmd and OVS; curves: over flows, rules, load"
	@echo "make lint    clang-format, clang-tidy, the rules of tests/lint"
	@echo "make fuzz    every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS)"
	@echo "make soak    polite and hostile traffic under random changes for SOAK_SECONDS=$(SOAK_SECONDS)"
	@echo "make mutants single lines out of the data plane and the policy compiler: do the tests notice?"
	@echo "make image   the runtime image, without a registry, and the demo in it (root)"
	@echo "make full    test, lint, mutants, fuzz, soak, both demos, image, bench"

packages:
	@tools/install-packages.sh

packages-check:
	@tools/install-packages.sh tools/packages.txt tools/packages-check.txt

packages-test:
	@tools/install-packages.sh tools/packages.txt tools/packages-test.txt
	@tools/guest-kernel.sh $(BUILD)/guest

packages-image:
	@tools/install-packages.sh tools/packages.txt tools/packages-image.txt

packages-bench:
	@tools/install-packages.sh tools/packages.txt tools/packages-bench.txt

packages-kube:
	@tools/install-packages.sh tools/packages.txt tools/packages-kube.txt
	@tools/kube-programs $(BUILD)/kube

hugepages:
	@tools/setup-hugepages.sh

$(BUILD)/build.ninja: | packages
	meson setup $(BUILD)

build: packages $(BUILD)/build.ninja
	ninja -C $(BUILD)
	@mkdir -p $(BUILD)/bin
	@ln -sf $(addprefix ../,$(PROGRAMS)) $(BUILD)/bin/

demo: build hugepages
	python3 tests/system/demo.py --build $(BUILD)

demo-beyond: build packages-test hugepages
	python3 tests/system/demo_beyond.py --build $(BUILD)

test: build packages-test hugepages
	tools/run-tests $(BUILD) --exclude-suite kube

test-kube: build packages-kube hugepages
	tools/run-tests $(BUILD) --suite kube

bench: build hugepages packages-bench
	ninja -C $(BUILD) perf/micro/change_bench perf/micro/connection_bench perf/micro/inspect_bench perf/micro/log_bench perf/policy/policy_bench
	python3 perf/bench/bench.py --build $(BUILD) --section $(SECTION) --output $(RESULTS)

lint: packages-check build
	tools/lint $(BUILD)

fuzz: packages-check
	tools/fuzz $(FUZZ_SECONDS)

image: build packages-image hugepages
	docker/make-image $(BUILD)
	python3 tests/system/image_demo.py --build $(BUILD)

# Half the time each: the whole daemon with polite pods, and the data plane with hostile ones.
soak: build hugepages
	python3 tests/system/soak.py --build $(BUILD) --seconds $$(($(SOAK_SECONDS) / 2))
	$(BUILD)/tests/soak/hostile_soak --seconds $$(($(SOAK_SECONDS) / 2))

mutants: packages
	tools/mutants

full: export SLUICE_RACE_ROUNDS = 1000
full: export KUBE_CHURN_SECONDS = 180
full: test test-kube lint mutants fuzz soak demo demo-beyond image bench

clean:
	rm -rf build build-*
