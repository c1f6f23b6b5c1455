"""One index over everything a person may see, in Chinese, pinyin and English."""
