"""COCO data sets: reading, checking, packing, and the digits that come with effspine. Knows no TensorFlow."""
