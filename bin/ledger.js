#!/usr/bin/env node
require('../dist/ledger.cjs');
