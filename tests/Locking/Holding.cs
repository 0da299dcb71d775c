using System.Text.Json;

namespace Run.Tests.Locking;

/// <summary>Scripts that run for as long as a test needs them to.</summary>
internal static class Holding
{
    private const string Script = "#!/bin/sh\necho started; read -r _; echo ended\n";

    /// <summary>A script that prints that it has started, and ends when its standard input does.</summary>
    public static string PutHolder(this Sandbox box, string name = "x") => box.Put(name, Script);

    /// <summary>Starts <c>run</c> with these arguments, and waits until the script has started.</summary>
    public static Task<Child> Holds(this Sandbox box, params string[] arguments) => box.Holds(box.Run(arguments));

    /// <inheritdoc cref="Holds(Sandbox, string[])"/>
    public static async Task<Child> Holds(this Sandbox box, Command command)
    {
        ArgumentNullException.ThrowIfNull(box);
        var child = command.InputStaysOpen().Start();
        await child.Output("started");
        return child;
    }

    /// <summary>Lets the script end by itself.</summary>
    public static async Task Ends(this Child holder)
    {
        holder.CloseInput();
        (await holder.Exit()).Is(0, "started\nended\n");
    }

    /// <summary>What <c>run --ps</c> lists: for each, a line with the PID (- if there is none), the mode and the script.</summary>
    public static async Task<string> Ps(this Sandbox box)
    {
        var result = await box.Run("--ps", "--json").Result();
        result.Check(result is { Status: 0, Stderr: "" }, "a list");
        using var list = JsonDocument.Parse(result.Stdout);
        return string.Concat(list.RootElement.EnumerateArray().Select(static one =>
        {
            var pid = one.GetProperty("pid") is { ValueKind: JsonValueKind.Number } number ? number.ToString() : "-";
            return $"{pid} {one.GetProperty("mode")} {one.GetProperty("script")}\n";
        }));
    }
}
