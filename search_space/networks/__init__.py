"""Every network of the paper, each written once over `Ops`: backbones, pyramids, and the heads of four tasks."""
