"""Huawei Cloud: OBS and FunctionGraph."""
