"""The profile of a small step: what it counts, without assumptions about durations."""

from __future__ import annotations

import pytest
import tensorflow as tf

from proxy_trainer.benchmarks import profile_benchmark as benchmark
from proxy_trainer.benchmarks.engine_benchmark import CLASSES
from proxy_trainer.benchmarks.profile_benchmark import (
    Operation,
    Profile,
    measure_profile,
    operation_times,
    profile_benchmark,
    step_cost,
)
from search_space.cost import cost_report
from search_space.published import EFF_SPINENET_D0
from tests.support.processes import THREADS
from tests.support.proxy_tasks import TINY


def test_operations_are_counted_by_type() -> None:
    x = tf.random.stateless_uniform([64, 64], [0, 0])

    @tf.function
    def products(x: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(x @ (x @ x))

    found = {each.type: each for each in operation_times(lambda: products(x), 3)}
    products_found = sum(each.count for kind, each in found.items() if "MatMul" in kind)
    assert (products_found, found["Sigmoid"].count) == (2, 1)
    assert all(each.ms > 0 for each in found.values())


def test_a_step_has_three_times_the_multi_adds_without_the_gradient_of_the_images() -> None:
    architecture = TINY.architecture(EFF_SPINENET_D0, CLASSES)
    report = cost_report(architecture)
    stem = 3 * 3 * 3 * architecture.stem_width * (TINY.image_px // 2) ** 2
    cost = step_cost(architecture, 2)
    assert cost.forward_madds == 2 * report.madds
    assert cost.madds == 2 * (3 * report.madds - stem)
    assert cost.flops == 2 * cost.madds
    weights = benchmark.BYTES_PER_VALUE * benchmark.WEIGHT_PASSES * report.params
    assert step_cost(architecture, 4).bytes - weights == 2 * (cost.bytes - weights) > 0


@pytest.mark.slow
def test_a_step_of_the_engine_is_profiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "STEPS", 2)
    monkeypatch.setattr(benchmark, "MATRIX_SIDE", 32)
    monkeypatch.setattr(benchmark, "COPIED_FLOATS", 1000)
    found = measure_profile(TINY, THREADS)
    kinds = [each.type for each in found.operations]
    assert any("BatchNormGrad" in kind for kind in kinds)
    assert any("Depthwise" in kind for kind in kinds)
    assert min(found.step_seconds, found.matrix_flops_per_second, found.copied_bytes_per_second) > 0


def test_the_document_compares_the_step_with_the_limits_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    cost = step_cost(TINY.architecture(EFF_SPINENET_D0, CLASSES), TINY.batch_size)
    kernels = (Operation("MatMul", 4, 30.0), Operation("Mul", 9, 10.0))
    # With these limits the arithmetic takes 10 ms and the memory traffic 5 ms.
    profile = Profile(0.04, kernels, cost.flops * 100.0, cost.bytes * 200.0)
    monkeypatch.setattr(benchmark, "run_in_fresh_process", lambda function, *arguments: profile)
    found = profile_benchmark(TINY, 2, lambda line: None)
    assert (found["step_over_arithmetic"], found["step_over_memory"]) == (4.0, 8.0)
    assert (found["arithmetic_seconds"], found["memory_seconds"]) == (0.01, 0.005)
    assert (found["kernels_ms"], found["threads_busy"]) == (40.0, 1.0)
    assert [each["share"] for each in found["operations"]] == [0.75, 0.25]
