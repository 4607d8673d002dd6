"""Huawei OBS."""
