using Run.Naming;

namespace Run.Tests.Naming;

/// <summary>What <c>--list SOURCE:</c> shows of each script: the first line of prose among its opening comments.</summary>
public sealed class SummaryTests
{
    [Theory]
    [InlineData("#!/bin/sh\n# Does Q.\n", "Does Q.")]
    [InlineData("#!/bin/sh\n\n# shellcheck disable=SC1091,SC2034 # why\n#\n# Does Q.\n", "Does Q.")]
    [InlineData("#!/bin/sh\n# vim: set sw=4 et:\n# Does Q.\n", "Does Q.")]
    [InlineData("#!/usr/bin/env node\n\"use strict\";\n// Does Q.\n", "Does Q.")]
    [InlineData("'use strict'\n/**\n * Does Q.\n */\n", "Does Q.")]
    [InlineData("\"use strict\";\n\nconst x = 1; // not this\n", "")]
    [InlineData("#!/usr/bin/env ruby\n# frozen_string_literal: true\n\n# Does Q.\n", "Does Q.")]
    [InlineData("#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n# -*- mode: python; tab-width: 4 -*-\n# Does Q.\n", "Does Q.")]
    [InlineData(
        "# /// script\n# requires-python = \">=3.11\"\n# dependencies = [\n#   \"requests <3\",\n# ]\n# ///\n# Does Q.\n", "Does Q.")]
    [InlineData("# /// script\n# dependencies = [ \"a b\" ]\n# ///\n\"\"\"Does Q.\"\"\"\n", "Does Q.")]
    [InlineData("# Copyright 2024 The Authors\n# SPDX-License-Identifier: MIT OR Apache-2.0\n# Does Q.\n", "Does Q.")]
    [InlineData("# Copyright 2024 A B\n\n\"\"\"\nDoes Q.\n\nAt length.\n\"\"\"\n", "Does Q.")]
    [InlineData("# (c) A B\n\nr'''Does Q.\n'''\n", "Does Q.")]
    [InlineData(
        "# Copyright 2024 A\n#\n# Licensed under the Apache License, Version 2.0 (the \"License\");\n# you may not use this file\n#\n"
            + "# Unless required by applicable law or agreed\n# to in writing, software\n\n# Does Q.\n", "Does Q.")]
    [InlineData("<?php\n// Does Q.\n", "Does Q.")]
    [InlineData("#!/usr/bin/php\n<?php /* Does Q. */\n", "Does Q.")]
    [InlineData("/*\n   Does Q.\n*/\n", "Does Q.")]
    [InlineData("/*\n*/\nint main(void) { return 0; }\n", "")]
    [InlineData("\"\"\"\n\"\"\"\nimport os, sys\n", "")]
    [InlineData("-- Does Q.\n", "Does Q.")]
    [InlineData("\" Does Q.\n", "Does Q.")]
    [InlineData("//! Does Q.\n", "Does Q.")]
    [InlineData("#!/bin/sh\nset -e -u\n# Not this.\n", "")]
    [InlineData("rm x y\n", "")]
    [InlineData("", "")]
    public async Task The_first_line_of_prose(string script, string summary)
    {
        await using var world = await World.Serving();
        world.Put("d/x", script);
        world.Put("conf", $"sources:\n  one: {world.Work}/d/%s\n");
        var list = await world.Run("--config", "conf", "--json", "--list", "one:").Result();
        list.Check(list.Stdout.Contains($"\"summary\": \"{summary}\"", StringComparison.Ordinal), $"the summary \"{summary}\"");
        Assert.Equal(summary, OpeningComments.Prose(script));
    }
}
