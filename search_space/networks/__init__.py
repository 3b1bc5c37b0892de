"""Every network of the paper, each written once over `Ops`: backbones, feature pyramids, and heads of four tasks."""
