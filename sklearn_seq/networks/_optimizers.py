"""First-order optimisers: one in-place step of a flat vector along its gradient.

Each optimiser keeps its state and one work vector, and allocates nothing in a step.
The parameters change in the last call of a step only, so that an interrupted step
leaves them as they were. An optimiser can be pickled and resumed.
"""

import numpy as np


class SGD:
    """Gradient descent with momentum.

    Parameters
    ----------
    parameters : ndarray of shape (n_parameters,)
        The vector that will be updated; only its size and type are used here.

    learning_rate_init : float, default=0.001
        The step size.

    momentum : float, default=0.9
        The share of the last step that is repeated, in [0, 1).

    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton (2013), On the importance of initialization
    and momentum in deep learning.
    """

    def __init__(
        self,
        parameters,
        *,
        learning_rate_init=0.001,
        momentum=0.9,
        nesterovs_momentum=True,
    ):
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.velocity = np.zeros_like(parameters)
        self._work = np.empty_like(parameters)
        self._ahead = np.empty_like(parameters)

    def update(self, parameters, gradient):
        """Change `parameters` in place by one step.

        Parameters
        ----------
        parameters, gradient : ndarray of shape (n_parameters,)
        """
        velocity, work = self.velocity, self._work
        np.multiply(gradient, self.learning_rate_init, out=work)
        np.multiply(velocity, self.momentum, out=velocity)
        np.subtract(velocity, work, out=velocity)
        step = velocity
        if self.nesterovs_momentum:
            step = np.multiply(velocity, self.momentum, out=self._ahead)
            np.subtract(step, work, out=step)
        np.add(parameters, step, out=parameters)


class RMSprop:
    """Gradient descent with gradients divided by their running root mean square.

    Parameters
    ----------
    parameters : ndarray of shape (n_parameters,)
        The vector that will be updated; only its size and type are used here.

    learning_rate_init : float, default=0.001
        The step size.

    rho : float, default=0.99
        The decay of the running mean of squared gradients, in [0, 1).

    epsilon : float, default=1e-8
        Added to the root mean square.

    References
    ----------
    Tieleman and Hinton (2012), Lecture 6.5, Neural Networks for Machine Learning.
    """

    def __init__(self, parameters, *, learning_rate_init=0.001, rho=0.99, epsilon=1e-8):
        self.learning_rate_init = learning_rate_init
        self.rho = rho
        self.epsilon = epsilon
        self.second_moment = np.zeros_like(parameters)
        self._work = np.empty_like(parameters)

    def update(self, parameters, gradient):
        """Change `parameters` in place by one step.

        Parameters
        ----------
        parameters, gradient : ndarray of shape (n_parameters,)
        """
        v, work = self.second_moment, self._work
        np.multiply(gradient, gradient, out=work)
        np.multiply(work, 1 - self.rho, out=work)
        np.multiply(v, self.rho, out=v)
        np.add(v, work, out=v)
        np.sqrt(v, out=work)
        np.add(work, self.epsilon, out=work)
        np.divide(gradient, work, out=work)
        np.multiply(work, self.learning_rate_init, out=work)
        np.subtract(parameters, work, out=parameters)


class Adam:
    """Steps along a running mean of gradients, scaled by their root mean square.

    Parameters
    ----------
    parameters : ndarray of shape (n_parameters,)
        The vector that will be updated; only its size and type are used here.

    learning_rate_init : float, default=0.001
        The step size.

    beta_1 : float, default=0.9
        The decay of the running mean of gradients, in [0, 1).

    beta_2 : float, default=0.999
        The decay of the running mean of squared gradients, in [0, 1).

    epsilon : float, default=1e-8
        Added to the root mean square.

    Notes
    -----
    The moments are kept without the factors ``1 - beta``, which join the step size
    and `epsilon`: two passes over the parameters fewer.

    References
    ----------
    Kingma and Ba (2015), Adam: a method for stochastic optimization, in the more
    efficient order of computation that ends their section 2.
    """

    def __init__(
        self,
        parameters,
        *,
        learning_rate_init=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
    ):
        self.learning_rate_init = learning_rate_init
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_updates = 0
        self.first_moment = np.zeros_like(parameters)
        self.second_moment = np.zeros_like(parameters)
        self._work = np.empty_like(parameters)
        # 0-dimensional arrays avoid the conversion of numbers in every call.
        scalars = beta_1, beta_2, epsilon / (1 - beta_2) ** 0.5, 0.0
        self._scalars = [np.array(scalar, parameters.dtype) for scalar in scalars]

    def update(self, parameters, gradient):
        """Change `parameters` in place by one step.

        Parameters
        ----------
        parameters, gradient : ndarray of shape (n_parameters,)
        """
        self.n_updates += 1
        t = self.n_updates
        m, v, work = self.first_moment, self.second_moment, self._work
        correction_1 = (1 - self.beta_1) / (1 - self.beta_1**t)
        correction_2 = ((1 - self.beta_2**t) / (1 - self.beta_2)) ** 0.5
        beta_1, beta_2, epsilon, step = self._scalars
        step[()] = self.learning_rate_init * correction_1 * correction_2

        np.multiply(m, beta_1, out=m)
        np.add(m, gradient, out=m)
        np.multiply(gradient, gradient, out=work)
        np.multiply(v, beta_2, out=v)
        np.add(v, work, out=v)
        np.sqrt(v, out=work)
        np.add(work, epsilon, out=work)
        np.divide(m, work, out=work)
        np.multiply(work, step, out=work)
        np.subtract(parameters, work, out=parameters)


def clip_norm(gradient, max_norm):
    """Shrink `gradient` in place to the Euclidean norm `max_norm` if it is longer.

    Parameters
    ----------
    gradient : ndarray of shape (n_parameters,)
        The flat gradient.

    max_norm : float
        The greatest norm allowed.

    Returns
    -------
    norm : float
        The norm before clipping.

    References
    ----------
    Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent
    neural networks.
    """
    norm = float(np.dot(gradient, gradient)) ** 0.5
    if norm > max_norm:
        np.multiply(gradient, max_norm / norm, out=gradient)
    return norm


OPTIMIZERS = {"adam": Adam, "sgd": SGD, "rmsprop": RMSprop}


def learns_online(estimator):
    """Whether partial_fit is available; an error that says why not."""
    if estimator.solver not in OPTIMIZERS:
        raise AttributeError(
            "partial_fit is only available for the mini-batch solvers; "
            f"got solver={estimator.solver!r}."
        )
    return True
