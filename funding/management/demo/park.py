"""The fictional park that the demo shows: names, titles and texts. None of these people or companies exists."""

from __future__ import annotations

from typing import Final, NamedTuple


class Company(NamedTuple):
    """A fictional company: brand in both languages, line of business, field, and what it applies with."""

    brand: str
    brand_en: str
    trade: str
    trade_en: str
    field: str
    product: str
    product_en: str


class Project(NamedTuple):
    """A fictional research project: title, faculty (its code), field, keywords in both languages, TRL."""

    title: str
    title_en: str
    faculty: str
    field: str
    keywords: str
    keywords_en: str
    trl: int


FACULTIES: Final = [
    ("LIFE", "生命科学学院", "School of Life Sciences"),
    ("MED", "上海医学院", "Shanghai Medical College"),
    ("CS", "计算与智能创新学院", "College of Computing and Intelligence"),
    ("PHARM", "药学院", "School of Pharmacy"),
    ("ISTBI", "类脑智能科学与技术研究院", "Institute of Brain-inspired Intelligence"),
    ("CHEM", "化学系", "Department of Chemistry"),
    ("ENG", "生物医学工程与技术创新学院", "College of Biomedical Engineering"),
    ("PH", "公共卫生学院", "School of Public Health"),
]

COMPANIES: Final = [
    Company("澄光", "Chengguang", "生物科技", "Biotech", "ai_bt", "患者来源类器官高通量药敏预测平台", "High-throughput drug response prediction on patient-derived organoids"),
    Company("朱溪", "Zhuxi", "医药科技", "Pharma", "bt", "靶向 KRAS G12D 的小分子降解剂", "Small-molecule degraders of KRAS G12D"),
    Company("淀湖", "Dianhu", "智能科技", "Intelligence", "ai", "病理切片多模态大模型辅助诊断系统", "Multimodal foundation model for pathology slides"),
    Company("青蓝", "Qinglan", "基因", "Genomics", "bt", "血浆游离 DNA 甲基化多癌种早筛", "Multi-cancer early detection from cfDNA methylation"),
    Company("泖塔", "Maota", "生物", "Bioworks", "ai_bt", "生成式人工智能驱动的抗体从头设计", "De novo antibody design with generative AI"),
    Company("蟠龙", "Panlong", "医疗器械", "Medical Devices", "bt", "一次性使用光子计数内窥成像探头", "Single-use photon-counting endoscopic probe"),
    Company("练塘", "Liantang", "合成生物", "Synthetic Biology", "bt", "甾体药物中间体的细胞工厂", "Cell factory for steroid drug intermediates"),
    Company("金泽", "Jinze", "数据科技", "Data", "ai", "医院间隐私计算与联邦学习平台", "Privacy-preserving federated learning between hospitals"),
    Company("白鹤", "Baihe", "诊断", "Diagnostics", "bt", "三十分钟呼吸道病原微流控核酸检测", "Thirty-minute microfluidic test for respiratory pathogens"),
    Company("重固", "Chonggu", "机器人", "Robotics", "ai", "实验室自主移动操作机器人", "Autonomous mobile manipulator for laboratories"),
    Company("香花", "Xianghua", "细胞", "Cell Therapy", "bt", "实体瘤装甲型 CAR-T 细胞制剂", "Armoured CAR-T cells for solid tumours"),
    Company("凤溪", "Fengxi", "生命科学", "Life Sciences", "bt", "低温液相冷冻电镜样品制备仪", "Sample preparation for low-temperature cryo-EM"),
    Company("曲水", "Qushui", "脑科学", "Neurotech", "ai_bt", "非侵入式脑机接口卒中康复系统", "Non-invasive brain-computer interface for stroke rehabilitation"),
    Company("放生", "Fangsheng", "药物研发", "Therapeutics", "bt", "罕见病寡核苷酸个体化用药", "Individualised oligonucleotides for rare diseases"),
    Company("云湖", "Yunhu", "计算", "Computing", "ai_bt", "大规模自由能微扰云计算平台", "Cloud platform for large-scale free energy perturbation"),
    Company("漕港", "Caogang", "智造", "Manufacturing", "ai", "生物反应器数字孪生与自适应控制", "Digital twin and adaptive control of bioreactors"),
    Company("北干", "Beigan", "免疫", "Immuno", "bt", "通用型 mRNA 肿瘤新抗原疫苗", "Off-the-shelf mRNA neoantigen vaccine"),
    Company("章堰", "Zhangyan", "影像", "Imaging", "ai", "超低剂量 CT 深度学习重建", "Deep-learning reconstruction for ultra-low-dose CT"),
    Company("岑卜", "Cenbu", "农业生物", "Agri Bio", "bt", "耐盐水稻基因编辑育种", "Gene-edited breeding of salt-tolerant rice"),
    Company("莲湖", "Lianhu", "材料", "Materials", "bt", "可降解镁合金骨钉表面功能化", "Functional coatings for degradable magnesium bone pins"),
    Company("东方绿", "Orient Green", "环境生物", "Enviro Bio", "bt", "抗生素残留的工程酶降解", "Engineered enzymes against antibiotic residues"),
    Company("元荡", "Yuandang", "智能制药", "AI Pharma", "ai_bt", "口服多肽药物的智能递送设计", "AI-designed delivery of oral peptides"),
    Company("盈港", "Yinggang", "健康", "Health", "ai", "连续血糖数据的糖尿病数字疗法", "Digital therapy for diabetes on continuous glucose data"),
    Company("拦路", "Lanlu", "传感", "Sensing", "bt", "汗液多指标柔性传感贴片", "Flexible patch for multi-analyte sweat sensing"),
    Company("赵巷", "Zhaoxiang", "测序", "Sequencing", "bt", "国产纳米孔单分子测序芯片", "Nanopore single-molecule sequencing chip"),
    Company("徐泾", "Xujing", "语音", "Speech", "ai", "方言老年认知障碍语音筛查", "Voice screening for cognitive impairment in dialect speakers"),
    Company("华新", "Huaxin", "生物制造", "Biomanufacturing", "bt", "无血清悬浮培养基智能配方", "Serum-free media designed by machine learning"),
    Company("夏阳", "Xiayang", "智药", "SmartMed", "ai_bt", "中药复方网络药理大模型", "Foundation model for network pharmacology of formulas"),
    Company("汇金", "Huijin", "眼科", "Ophthalmics", "bt", "视网膜色素变性基因治疗载体", "Gene therapy vector for retinitis pigmentosa"),
    Company("朱家角", "Zhujiajiao", "蛋白", "Protein", "ai_bt", "蛋白质语言模型的酶热稳定改造", "Protein language models for enzyme thermostability"),
    Company("水韵", "Shuiyun", "微生态", "Microbiome", "bt", "肠道菌群移植胶囊标准化制备", "Standardised capsules for microbiota transplantation"),
    Company("崧泽", "Songze", "考古生物", "Archaeo Bio", "bt", "古 DNA 提取试剂与自动化", "Reagents and automation for ancient DNA"),
    Company("福泉", "Fuquan", "护理机器人", "Care Robotics", "ai", "失能老人移位护理机器人", "Transfer robot for the care of the disabled elderly"),
    Company("思源", "Siyuan", "心血管", "Cardio", "bt", "可吸收冠脉支架", "Absorbable coronary scaffold"),
    Company("晨曦", "Chenxi", "芯片", "Chips", "ai", "存算一体边缘医疗芯片", "Compute-in-memory chip for medical edge devices"),
    Company("格物", "Gewu", "仪器", "Instruments", "bt", "高内涵活细胞显微成像系统", "High-content live-cell microscopy"),
    Company("致远", "Zhiyuan", "智慧医疗", "Smart Medicine", "ai", "急诊预检分诊大语言模型", "Language model for emergency triage"),
    Company("博观", "Boguan", "组学", "Omics", "ai_bt", "空间转录组数据解析软件", "Software for spatial transcriptomics"),
    Company("知微", "Zhiwei", "纳米", "Nano", "bt", "脂质纳米颗粒器官选择递送", "Organ-selective lipid nanoparticles"),
    Company("行远", "Xingyuan", "康复", "Rehab", "ai", "下肢外骨骼意图识别", "Intent recognition for lower-limb exoskeletons"),
    Company("明德", "Mingde", "病毒", "Virology", "bt", "广谱抗冠状病毒吸入多肽", "Inhaled broad-spectrum anti-coronavirus peptide"),
    Company("光华", "Guanghua", "光电", "Photonics", "bt", "拉曼光谱术中切缘判读", "Intra-operative margin assessment by Raman spectroscopy"),
    Company("旦复", "Danfu", "算法", "Algorithms", "ai", "药物不良反应因果推断引擎", "Causal inference engine for adverse drug reactions"),
    Company("笃志", "Duzhi", "口腔", "Dental", "ai_bt", "牙周再生支架的三维打印", "3D-printed scaffolds for periodontal regeneration"),
    Company("切问", "Qiewen", "科研服务", "Research Services", "ai", "科研文献智能体与实验方案生成", "Literature agents that draft experimental protocols"),
    Company("近思", "Jinsi", "神经", "Neuro", "bt", "阿尔茨海默病血液标志物试剂", "Blood biomarker assay for Alzheimer's disease"),
    Company("卿云", "Qingyun", "云平台", "Cloud", "ai", "基因组数据合规流通平台", "Compliant exchange of genomic data"),
    Company("日新", "Rixin", "代谢", "Metabolics", "bt", "GLP-1 长效微球制剂", "Long-acting GLP-1 microspheres"),
    Company("望道", "Wangdao", "教育科技", "EdTech", "ai", "手术技能虚拟现实评测", "VR assessment of surgical skills"),
    Company("登辉", "Denghui", "酶工程", "Enzymes", "bt", "手性胺绿色酶法合成", "Green enzymatic synthesis of chiral amines"),
    Company("燕园", "Yanyuan", "皮肤", "Derma", "bt", "银屑病外用 siRNA 制剂", "Topical siRNA for psoriasis"),
    Company("江湾", "Jiangwan", "智能影像", "AI Imaging", "ai", "胎儿超声智能质控", "AI quality control for fetal ultrasound"),
    Company("枫林", "Fenglin", "外科", "Surgical", "bt", "超声可视微创消融针", "Ultrasound-visible ablation needle"),
    Company("张江源", "Jiangyuan", "药物筛选", "Screening", "ai_bt", "表型组大规模虚拟筛选", "Phenome-scale virtual screening"),
    Company("子彬", "Zibin", "血液", "Haematology", "bt", "体外红细胞规模化生成", "Scaled ex-vivo generation of red blood cells"),
    Company("相辉", "Xianghui", "听力", "Hearing", "ai_bt", "人工耳蜗自适应编码算法", "Adaptive coding for cochlear implants"),
    Company("景莱", "Jinglai", "兽药", "Animal Health", "bt", "宠物肿瘤单抗药物", "Monoclonal antibodies for companion animals"),
    Company("寒冰", "Hanbing", "低温", "Cryo", "bt", "程序化无冰玻璃化保存", "Programmed ice-free vitrification"),
    Company("立人", "Liren", "临床", "Clinical", "ai", "临床试验患者智能匹配", "AI matching of patients to clinical trials"),
    Company("本北", "Benbei", "质谱", "Mass Spec", "bt", "单细胞蛋白质组质谱试剂盒", "Single-cell proteomics kit for mass spectrometry"),
]

PROJECTS: Final = [
    Project("基于扩散模型的环肽从头设计", "De novo design of cyclic peptides with diffusion models", "CS", "ai_bt", "扩散模型 环肽 分子设计", "diffusion models; cyclic peptides; molecular design", 3),
    Project("肺癌类器官与免疫细胞共培养芯片", "Lung cancer organoid and immune cell co-culture chip", "MED", "bt", "类器官 器官芯片 免疫", "organoids; organ-on-chip; immunology", 4),
    Project("脑胶质瘤术中荧光与人工智能边界识别", "AI-assisted intra-operative margins of glioma", "MED", "ai_bt", "胶质瘤 荧光成像 分割", "glioma; fluorescence imaging; segmentation", 5),
    Project("全脑尺度数字孪生与癫痫预测", "Whole-brain digital twin for seizure prediction", "ISTBI", "ai", "数字孪生 癫痫 脑电", "digital twin; epilepsy; EEG", 4),
    Project("抗耐药菌噬菌体裂解酶工程化", "Engineered phage lysins against resistant bacteria", "LIFE", "bt", "噬菌体 裂解酶 耐药", "phage; lysin; resistance", 4),
    Project("代谢相关脂肪性肝病多组学分型", "Multi-omics subtypes of metabolic fatty liver disease", "LIFE", "bt", "多组学 脂肪肝 分型", "multi-omics; MASLD; subtypes", 3),
    Project("电子病历大模型的可信推理", "Trustworthy reasoning of language models over health records", "CS", "ai", "大语言模型 电子病历 可信", "large language models; health records; trust", 4),
    Project("口服胰岛素肠道黏附微针胶囊", "Mucoadhesive microneedle capsule for oral insulin", "PHARM", "bt", "口服胰岛素 微针 递送", "oral insulin; microneedles; delivery", 4),
    Project("蛋白降解靶向嵌合体的智能连接子优化", "AI-optimised linkers for PROTACs", "PHARM", "ai_bt", "PROTAC 连接子 优化", "PROTAC; linkers; optimisation", 3),
    Project("柔性高密度颅内电极阵列", "Flexible high-density intracranial electrode array", "ENG", "bt", "脑机接口 柔性电极", "brain-computer interface; flexible electrodes", 5),
    Project("近红外二区活体成像探针", "NIR-II probes for in-vivo imaging", "CHEM", "bt", "近红外二区 探针 成像", "NIR-II; probes; imaging", 4),
    Project("人群队列的糖尿病风险联邦建模", "Federated modelling of diabetes risk in cohorts", "PH", "ai", "联邦学习 队列 糖尿病", "federated learning; cohorts; diabetes", 5),
    Project("单碱基编辑治疗遗传性耳聋", "Base editing for hereditary deafness", "MED", "bt", "碱基编辑 耳聋 基因治疗", "base editing; deafness; gene therapy", 4),
    Project("细胞图像基础模型与表型筛选", "Foundation model of cell images for phenotypic screening", "ISTBI", "ai_bt", "基础模型 细胞图像 表型", "foundation model; cell images; phenotypes", 4),
    Project("肠—脑轴工程菌治疗自闭症", "Engineered bacteria on the gut-brain axis for autism", "LIFE", "bt", "工程菌 肠脑轴 自闭症", "engineered bacteria; gut-brain axis; autism", 2),
    Project("单细胞空间代谢成像", "Spatial metabolic imaging of single cells", "CHEM", "bt", "空间代谢 单细胞 质谱", "spatial metabolomics; single cell; mass spectrometry", 3),
    Project("超声神经调控治疗帕金森病震颤", "Ultrasound neuromodulation of Parkinsonian tremor", "ENG", "bt", "超声 神经调控 帕金森", "ultrasound; neuromodulation; Parkinson's", 5),
    Project("多中心病理切片的染色归一与检索", "Stain normalisation and retrieval across pathology centres", "CS", "ai", "病理 染色归一 检索", "pathology; stain normalisation; retrieval", 6),
    Project("纳米抗体吸入制剂", "Inhaled nanobody formulation", "PHARM", "bt", "纳米抗体 吸入 制剂", "nanobodies; inhalation; formulation", 4),
    Project("新生儿遗传病快速全基因组解读", "Rapid genome interpretation for newborns", "MED", "ai_bt", "新生儿 全基因组 解读", "newborns; whole genome; interpretation", 6),
    Project("衰老时钟与干预药物筛选", "Ageing clocks and screening of interventions", "LIFE", "ai_bt", "衰老时钟 药物筛选", "ageing clocks; drug screening", 3),
    Project("高通量自动化酶进化平台", "High-throughput automated enzyme evolution", "LIFE", "bt", "定向进化 自动化 酶", "directed evolution; automation; enzymes", 5),
    Project("可穿戴超声血流连续监测", "Wearable ultrasound for continuous blood flow", "ENG", "bt", "可穿戴 超声 血流", "wearables; ultrasound; blood flow", 4),
    Project("医学影像报告的视觉语言生成", "Vision-language generation of imaging reports", "CS", "ai", "视觉语言 影像报告", "vision-language; imaging reports", 5),
    Project("慢性疼痛的钠通道选择性抑制剂", "Selective sodium channel inhibitors for chronic pain", "PHARM", "bt", "钠通道 疼痛 抑制剂", "sodium channels; pain; inhibitors", 3),
    Project("肿瘤微环境响应的光敏纳米平台", "Tumour-responsive photosensitive nanoplatform", "CHEM", "bt", "光动力 纳米 肿瘤", "photodynamic; nano; tumour", 3),
    Project("流感变异的进化预测模型", "Predicting the evolution of influenza variants", "PH", "ai_bt", "流感 进化 预测", "influenza; evolution; prediction", 4),
    Project("类脑脉冲神经网络芯片算法", "Algorithms for spiking neuromorphic chips", "ISTBI", "ai", "类脑 脉冲神经网络 芯片", "neuromorphic; spiking networks; chips", 4),
    Project("心力衰竭的心肌补片", "Myocardial patch for heart failure", "MED", "bt", "心衰 心肌补片 干细胞", "heart failure; myocardial patch; stem cells", 3),
    Project("药物—蛋白结合动力学的机器学习势", "Machine-learned potentials for binding kinetics", "CHEM", "ai_bt", "机器学习势 结合动力学", "machine-learned potentials; binding kinetics", 3),
    Project("职业尘肺的低剂量 CT 早期识别", "Early recognition of pneumoconiosis on low-dose CT", "PH", "ai", "尘肺 低剂量CT 识别", "pneumoconiosis; low-dose CT; recognition", 5),
    Project("人工角膜的脱细胞基质", "Decellularised matrix for artificial cornea", "ENG", "bt", "人工角膜 脱细胞", "artificial cornea; decellularisation", 5),
    Project("微生物组驱动的免疫治疗响应预测", "Predicting immunotherapy response from the microbiome", "LIFE", "ai_bt", "微生物组 免疫治疗 预测", "microbiome; immunotherapy; prediction", 4),
    Project("儿童孤独症眼动与语音联合筛查", "Eye movement and voice screening for childhood autism", "ISTBI", "ai", "孤独症 眼动 筛查", "autism; eye movement; screening", 5),
    Project("长效 HIV 衣壳抑制剂前药", "Long-acting prodrugs of HIV capsid inhibitors", "PHARM", "bt", "HIV 衣壳 前药", "HIV; capsid; prodrugs", 3),
    Project("冷冻电镜数据的端到端重构", "End-to-end reconstruction of cryo-EM data", "CS", "ai_bt", "冷冻电镜 重构 深度学习", "cryo-EM; reconstruction; deep learning", 5),
    Project("胰腺癌外泌体糖基化早诊", "Exosome glycosylation for early pancreatic cancer", "MED", "bt", "胰腺癌 外泌体 糖基化", "pancreatic cancer; exosomes; glycosylation", 4),
    Project("水稻免疫受体的理性设计", "Rational design of rice immune receptors", "LIFE", "ai_bt", "水稻 免疫受体 设计", "rice; immune receptors; design", 2),
    Project("手术机器人力触觉反馈", "Haptic feedback for surgical robots", "ENG", "ai", "手术机器人 力触觉", "surgical robots; haptics", 6),
    Project("城市社区慢病数字干预随机试验", "Randomised trial of digital intervention for chronic disease", "PH", "ai", "慢病 数字干预 随机试验", "chronic disease; digital intervention; randomised trial", 6),
]

# Family names and given names; every combination used is written out in both languages by pypinyin.
FAMILY_NAMES: Final = "陈 林 周 吴 徐 孙 胡 朱 高 何 郭 马 罗 梁 宋 郑 谢 韩 唐 冯 董 萧 程 曹 袁 邓 许 傅 沈 曾 彭 吕 苏 卢 蒋 蔡 贾 丁 魏 薛 叶 阎 余 潘 杜 戴 夏 钟 汪 田 任 姜 范 方 石 姚 谭 廖 邹 熊".split()
GIVEN_NAMES: Final = "思远 文清 雨桐 子涵 嘉宁 明哲 晓岚 书瑶 俊逸 若溪 承泽 静怡 浩然 诗涵 宇航 婉清 泽楷 梓萱 景行 慕青 安然 博文 知夏 云舒 立言 望舒 念慈 怀瑾 清和 疏影 亦凡 素心 永年 如松 听雪 采薇 致和 维桢 若谷 其琛".split()

INSTITUTIONS: Final = [
    ("浦江理工大学", "Pujiang University of Technology"),
    ("东海大学", "Donghai University"),
    ("申江医学研究院", "Shenjiang Institute of Medicine"),
    ("长三角生物技术研究所", "Yangtze Delta Institute of Biotechnology"),
    ("苏杭智能计算中心", "Suhang Centre for Intelligent Computing"),
    ("淞沪总医院", "Songhu General Hospital"),
    ("金陵科技大学", "Jinling University of Science"),
    ("钱塘药物研究中心", "Qiantang Drug Research Centre"),
]

STREETS: Final = "崧泽大道 盈港东路 公园东路 华青南路 沪青平公路 胜利路 城中东路 外青松公路".split()
