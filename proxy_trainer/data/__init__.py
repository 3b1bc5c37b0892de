"""COCO data sets: reading, inspection, the image cache, and the embedded digits data set. Imports no TensorFlow."""
