// SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// A job type for Flamenco 3.5 or later: a catalogue's rows in chunks, then its page.
// The worker parses what a blender-render command prints: a line "Time: …" is one step, "Saved: 'FILE'" a thumbnail.
// With an empty blend file that command runs any arguments. The key is in the worker's own environment.

const JOB_TYPE = {
    label: "Consistency Catalogue",
    description: "A table of products becomes finished picture sets, some rows a task",
    settings: [
        { key: "program", type: "string", required: true, default: "blender", description: "What runs the command" },
        { key: "arguments", type: "string", required: true, description: "Arguments of every task, as a JSON list" },
        { key: "rows", type: "string", required: true, description: "Numbers of the rows, such as 0-24,30" },
        { key: "chunk", type: "int32", default: 10, propargs: { min: 1 }, description: "Rows of one task" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    const words = JSON.parse(settings.arguments);
    const page = author.Task("page", "misc");
    page.addCommand(command(settings, words.concat(["--page"]), 1));
    for (const rows of frameChunker(settings.rows, settings.chunk)) {
        const task = author.Task("products-" + rows, "blender");
        const more = ["--rows", rows, "--progress", "flamenco"];
        task.addCommand(command(settings, words.concat(more), frameCount(rows)));
        page.addDependency(task);
        job.addTask(task);
    }
    job.addTask(page);
}

function command(settings, words, steps) {
    return author.Command("blender-render", {
        exe: settings.program,
        exeArgs: "",
        argsBefore: words,
        blendfile: "",
        args: [],
    }, steps);
}
