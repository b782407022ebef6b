"""The transformer side: loading, transplanting, adapting, distilling and fine-tuning."""
