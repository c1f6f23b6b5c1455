"""What some of the demo's reviewers have published, and say of themselves: invented, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Paper:
    """One publication; the reviewer is its first author."""

    title: str
    abstract: str
    source: str
    years_ago: int
    with_others: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """What one reviewer says and has published."""

    statement: str
    papers: tuple[Paper, ...]


PROFILES: Final = (
    Profile(
        "研究生成模型在分子设计中的应用，评审过环肽、小分子和抗体设计类项目；不评审纯临床试验。",
        (
            Paper(
                "基于等变扩散模型的环肽骨架生成与序列设计",
                "提出一种等变扩散模型，在给定靶点口袋的条件下生成环肽骨架，并与序列设计网络联合优化。在三个蛋白靶点上，"
                "生成的环肽经分子动力学与结合实验验证，亲和力优于文库筛选结果。",
                "计算机学报",
                1,
                ("沈亦舟", "罗文韬"),
            ),
            Paper(
                "Structure-conditioned generative models for peptide binder design",
                "We survey and benchmark generative models, from variational autoencoders to diffusion models, that design "
                "peptide binders for a given protein structure. Molecular design succeeds more often when the model is "
                "conditioned on the geometry of the pocket than on the sequence alone.",
                "Journal of Computational Molecular Design",
                2,
                ("Chen Wei", "Anna Berg"),
            ),
            Paper(
                "面向药物发现的分子表示学习综述",
                "综述图神经网络与大语言模型在分子表示学习中的进展，讨论药物发现中的数据偏差、可解释性与实验闭环。",
                "中国科学:信息科学",
                4,
                ("何书宁",),
            ),
        ),
    ),
    Profile(
        "Organoids and organ-on-chip models of lung cancer; immune co-culture; translation to drug testing.",
        (
            Paper(
                "Patient-derived lung cancer organoids predict response to immune checkpoint inhibitors",
                "We co-culture patient-derived lung cancer organoids with autologous immune cells on a microfluidic chip "
                "and show that killing on the chip predicts the clinical response to checkpoint inhibitors.",
                "Organoid Research",
                2,
                ("Li Jiaqi", "Maria Rossi"),
            ),
            Paper(
                "肺癌类器官与T细胞共培养体系的建立及药敏评价",
                "建立肺癌类器官与自体T细胞的共培养体系，在器官芯片上评价免疫治疗药物的敏感性，结果与患者疗效一致。",
                "中华肿瘤杂志",
                3,
                ("郑可欣",),
            ),
        ),
    ),
    Profile(
        "神经外科术中成像与人工智能分割，关注从实验到手术室的转化。",
        (
            Paper(
                "胶质瘤术中荧光图像的实时分割网络",
                "针对胶质瘤术中荧光成像的弱信号和运动模糊，提出轻量级分割网络，在手术显微镜上实时标出肿瘤边界。",
                "中国图象图形学报",
                1,
                ("顾承远", "马思颖"),
            ),
            Paper(
                "Uncertainty-aware segmentation of glioma margins in fluorescence-guided surgery",
                "Segmentation networks are overconfident at infiltrating tumour margins. We calibrate uncertainty on "
                "fluorescence imaging of glioma and show the surgeon where the network does not know.",
                "Medical Image Computing Letters",
                2,
                ("Gu Chengyuan",),
            ),
        ),
    ),
    Profile(
        "做过十年脑电与癫痫预测产品，现在负责一家神经调控公司的算法团队。",
        (
            Paper(
                "A personalised whole-brain model forecasts seizures from scalp EEG",
                "A digital twin of the patient's brain network is fitted to scalp EEG and forecasts epilepsy seizures hours "
                "ahead in a prospective cohort of 42 patients.",
                "Computational Neurology",
                1,
                ("Sun Yue", "David Klein"),
            ),
        ),
    ),
    Profile(
        "Anti-infective drugs: phage lysins, resistance, early-stage investment in biotechnology.",
        (
            Paper(
                "噬菌体裂解酶的理性改造及其对耐药菌的杀伤作用",
                "对噬菌体裂解酶的结合域进行理性改造，提高其对多重耐药革兰阴性菌外膜的穿透能力，并在小鼠感染模型中验证疗效。",
                "微生物学报",
                3,
                ("陶景行",),
            ),
        ),
    ),
)
