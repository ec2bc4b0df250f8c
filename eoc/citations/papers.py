"""The papers whose results are computed."""

from __future__ import annotations

from types import MappingProxyType

from eoc.citations.paper import Paper

__all__ = ["PAPERS"]

_NEURIPS = "Advances in Neural Information Processing Systems"
_ICLR = "International Conference on Learning Representations"
_ICML = "International Conference on Machine Learning"
_AISTATS = "International Conference on Artificial Intelligence and Statistics"
_SCHOENHOLZ = "Samuel S. Schoenholz"
_SOHL = "Jascha Sohl-Dickstein"
_PENNINGTON = "Jeffrey Pennington"
_HAYOU = "Soufiane Hayou"


def _by(*authors: str) -> str:
    return " and ".join(authors)


_ALL = (
    Paper(
        "poole2016",
        _by("Ben Poole", "Subhaneil Lahiri", "Maithra Raghu", _SOHL, "Surya Ganguli"),
        "Exponential expressivity in deep neural networks through transient chaos",
        2016,
        _NEURIPS,
        "1606.05340",
    ),
    Paper(
        "schoenholz2017",
        _by(_SCHOENHOLZ, "Justin Gilmer", "Surya Ganguli", _SOHL),
        "Deep Information Propagation",
        2017,
        _ICLR,
        "1611.01232",
    ),
    Paper(
        "hayou2019",
        _by(_HAYOU, "Arnaud Doucet", "Judith Rousseau"),
        "On the Impact of the Activation Function on Deep Neural Networks Training",
        2019,
        _ICML,
        "1902.06853",
    ),
    Paper(
        "long2019",
        _by("Philip M. Long", "Hanie Sedghi"),
        "On the effect of the activation function on the distribution of hidden nodes in a deep network",
        2019,
        "Neural Computation",
        "1901.02104",
        "article",
    ),
    Paper(
        "roberts2022",
        _by("Daniel A. Roberts", "Sho Yaida", "Boris Hanin"),
        "The Principles of Deep Learning Theory",
        2022,
        "Cambridge University Press",
        "2106.10165",
        "book",
    ),
    Paper(
        "yang2017",
        _by("Greg Yang", _SCHOENHOLZ),
        "Mean Field Residual Networks: On the Edge of Chaos",
        2017,
        _NEURIPS,
        "1712.08969",
    ),
    Paper(
        "yang2019",
        _by("Greg Yang", _PENNINGTON, "Vinay Rao", _SOHL, _SCHOENHOLZ),
        "A Mean Field Theory of Batch Normalization",
        2019,
        _ICLR,
        "1902.08129",
    ),
    Paper(
        "hayou2021",
        _by(_HAYOU, "Eugenio Clerico", "Bobby He", "George Deligiannidis", "Arnaud Doucet", "Judith Rousseau"),
        "Stable {ResNet}",
        2021,
        _AISTATS,
        "2010.12859",
    ),
    Paper(
        "xiao2018",
        _by("Lechao Xiao", "Yasaman Bahri", _SOHL, _SCHOENHOLZ, _PENNINGTON),
        "Dynamical Isometry and a Mean Field Theory of {CNNs}: How to Train 10,000-Layer Vanilla Convolutional Neural "
        "Networks",
        2018,
        _ICML,
        "1806.05393",
    ),
    Paper(
        "chen2018",
        _by("Minmin Chen", _PENNINGTON, _SCHOENHOLZ),
        "Dynamical Isometry and a Mean Field Theory of {RNNs}: Gating Enables Signal Propagation in Recurrent Neural "
        "Networks",
        2018,
        _ICML,
        "1806.05394",
    ),
    Paper(
        "gilboa2019",
        _by("Dar Gilboa", "Bo Chang", "Minmin Chen", "Greg Yang", _SCHOENHOLZ, "Ed H. Chi", _PENNINGTON),
        "Dynamical Isometry and a Mean Field Theory of {LSTMs} and {GRUs}",
        2019,
        "",
        "1901.08987",
        "misc",
    ),
    Paper(
        "hanin2019",
        _by("Boris Hanin", "David Rolnick"),
        "Complexity of Linear Regions in Deep Networks",
        2019,
        _ICML,
        "1901.09021",
    ),
    Paper(
        "petzka2020",
        _by("Henning Petzka", "Martin Trimmel", "Cristian Sminchisescu"),
        "Notes on the Symmetries of 2-Layer {ReLU}-Networks",
        2020,
        "Northern Lights Deep Learning Workshop",
    ),
    Paper(
        "he2020",
        _by("Fengxiang He", "Bohan Wang", "Dacheng Tao"),
        "Piecewise Linear Activations Substantially Shape the Loss Surfaces of Neural Networks",
        2020,
        _ICLR,
        "2003.12236",
    ),
    Paper(
        "guo2017",
        _by("Chuan Guo", "Geoff Pleiss", "Yu Sun", "Kilian Q. Weinberger"),
        "On Calibration of Modern Neural Networks",
        2017,
        _ICML,
        "1706.04599",
    ),
    Paper(
        "yang2021",
        _by("Greg Yang", "Edward J. Hu"),
        "Tensor Programs {IV}: Feature Learning in Infinite-Width Neural Networks",
        2021,
        _ICML,
        "2011.14522",
    ),
    Paper(
        "trimmel2021",
        _by("Martin Trimmel", "Henning Petzka", "Cristian Sminchisescu"),
        "{TropEx}: An Algorithm for Extracting Linear Terms in Deep Neural Networks",
        2021,
        _ICLR,
    ),
    Paper(
        "dong2021",
        _by("Yihe Dong", "Jean-Baptiste Cordonnier", "Andreas Loukas"),
        "Attention is Not All You Need: Pure Attention Loses Rank Doubly Exponentially with Depth",
        2021,
        _ICML,
        "2103.03404",
    ),
    Paper(
        "pennington2017",
        _by(_PENNINGTON, _SCHOENHOLZ, "Surya Ganguli"),
        "Resurrecting the sigmoid in deep learning through dynamical isometry: theory and practice",
        2017,
        _NEURIPS,
        "1711.04735",
    ),
    Paper(
        "pennington2018",
        _by(_PENNINGTON, _SCHOENHOLZ, "Surya Ganguli"),
        "The Emergence of Spectral Universality in Deep Networks",
        2018,
        _AISTATS,
        "1802.09979",
    ),
    Paper(
        "cho2009",
        _by("Youngmin Cho", "Lawrence K. Saul"),
        "Kernel Methods for Deep Learning",
        2009,
        _NEURIPS,
    ),
    Paper(
        "lee2018",
        _by("Jaehoon Lee", "Yasaman Bahri", "Roman Novak", _SCHOENHOLZ, _PENNINGTON, _SOHL),
        "Deep Neural Networks as {Gaussian} Processes",
        2018,
        _ICLR,
        "1711.00165",
    ),
    Paper(
        "jacot2018",
        _by("Arthur Jacot", "Franck Gabriel", r"Cl\'ement Hongler"),
        "Neural Tangent Kernel: Convergence and Generalization in Neural Networks",
        2018,
        _NEURIPS,
        "1806.07572",
    ),
    Paper(
        "lee2019",
        _by("Jaehoon Lee", "Lechao Xiao", _SCHOENHOLZ, "Yasaman Bahri", "Roman Novak", _SOHL, _PENNINGTON),
        "Wide Neural Networks of Any Depth Evolve as Linear Models Under Gradient Descent",
        2019,
        _NEURIPS,
        "1902.06720",
    ),
    Paper(
        "xiao2020",
        _by("Lechao Xiao", _PENNINGTON, _SCHOENHOLZ),
        "Disentangling Trainability and Generalization in Deep Neural Networks",
        2020,
        _ICML,
        "1912.13053",
    ),
    Paper(
        "panigrahi2020",
        _by("Abhishek Panigrahi", "Abhishek Shetty", "Navin Goyal"),
        "Effect of Activation Functions on the Training of Overparametrized Neural Nets",
        2020,
        _ICLR,
        "1908.05660",
    ),
    Paper(
        "martens2021",
        _by(
            "James Martens",
            "Andy Ballard",
            "Guillaume Desjardins",
            "Grzegorz Swirszcz",
            "Valentin Dalibard",
            _SOHL,
            _SCHOENHOLZ,
        ),
        "Rapid training of deep neural networks without skip connections or normalization layers using Deep Kernel "
        "Shaping",
        2021,
        "",
        "2110.01765",
        "misc",
    ),
    Paper(
        "zhang2022",
        _by("Guodong Zhang", "Aleksandar Botev", "James Martens"),
        "Deep Learning without Shortcuts: Shaping the Kernel with Tailored Rectifiers",
        2022,
        _ICLR,
        "2203.08120",
    ),
    Paper(
        "he2015",
        _by("Kaiming He", "Xiangyu Zhang", "Shaoqing Ren", "Jian Sun"),
        "Delving Deep into Rectifiers: Surpassing Human-Level Performance on {ImageNet} Classification",
        2015,
        "International Conference on Computer Vision",
        "1502.01852",
    ),
    Paper(
        "glorot2010",
        _by("Xavier Glorot", "Yoshua Bengio"),
        "Understanding the difficulty of training deep feedforward neural networks",
        2010,
        _AISTATS,
    ),
    Paper(
        "hendrycks2016",
        _by("Dan Hendrycks", "Kevin Gimpel"),
        "{Gaussian} Error Linear Units ({GELUs})",
        2016,
        "",
        "1606.08415",
        "misc",
    ),
    Paper(
        "ramachandran2017",
        _by("Prajit Ramachandran", "Barret Zoph", "Quoc V. Le"),
        "Searching for Activation Functions",
        2017,
        "",
        "1710.05941",
        "misc",
    ),
    Paper(
        "misra2020",
        "Diganta Misra",
        "Mish: A Self Regularized Non-Monotonic Activation Function",
        2020,
        "British Machine Vision Conference",
        "1908.08681",
    ),
    Paper(
        "clevert2016",
        _by(r"Djork-Arn\'e Clevert", "Thomas Unterthiner", "Sepp Hochreiter"),
        "Fast and Accurate Deep Network Learning by Exponential Linear Units ({ELUs})",
        2016,
        _ICLR,
        "1511.07289",
    ),
    Paper(
        "klambauer2017",
        _by(r"G\"unter Klambauer", "Thomas Unterthiner", "Andreas Mayr", "Sepp Hochreiter"),
        "Self-Normalizing Neural Networks",
        2017,
        _NEURIPS,
        "1706.02515",
    ),
    Paper(
        "molina2020",
        _by("Alejandro Molina", "Patrick Schramowski", "Kristian Kersting"),
        r"Pad\'e Activation Units: End-to-end Learning of Flexible Activation Functions in Deep Networks",
        2020,
        _ICLR,
        "1907.06732",
    ),
    Paper(
        "trimmel2022",
        _by("Martin Trimmel", "Mihai Zanfir", "Richard Hartley", "Cristian Sminchisescu"),
        "{ERA}: Enhanced Rational Activations",
        2022,
        "European Conference on Computer Vision",
    ),
)
PAPERS = MappingProxyType({paper.key: paper for paper in _ALL})  #: by key
