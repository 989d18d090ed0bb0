#!/usr/bin/env node
import "../dist/dexter.js";
