"""A sweep through a Dask cluster gives the numbers of a local one; run by ``make oracle``.

Plain pytest does not collect this file, so that nothing is skipped where Dask is absent.
"""

import numpy as np
import plain
import pytest
from dask.distributed import Client, LocalCluster

import nn_core as nn

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

STUDY = {
    "Adam": nn.Experiment((6, 12, 5, 1), "relu", "he", nn.Adam(0.01), 2, 16, l2=0.1),
    "SGD": nn.Experiment((6, 12, 5, 1), "tanh", "xavier", nn.GradientDescent(0.1), 2, 1),
}


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.mark.parametrize("scattered", [False, True])
def test_a_cluster_gives_the_local_numbers(client, scattered):
    data = plain.small_data(m=300)
    local = nn.sweep(STUDY, data, seeds=range(3))
    sent = client.scatter(data, broadcast=True) if scattered else data
    remote = nn.sweep(STUDY, sent, seeds=range(3), executor=client.get_executor())
    for name, history in local.items():
        for field in ("theta", "train_loss", "test_loss", "step_loss", "gradient_norm"):
            np.testing.assert_array_equal(getattr(history, field), getattr(remote[name], field))


def test_an_error_on_the_cluster_names_experiment_and_seed(client):
    wide = nn.Experiment((7, 3, 1), "tanh", "xavier", nn.Adam(0.01), 1, 8)
    with pytest.raises(RuntimeError, match=r"'wide', seed 2: data\.x_train\.shape is"):
        nn.sweep({"wide": wide}, plain.small_data(), [2], client.get_executor())
