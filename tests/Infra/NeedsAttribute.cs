using System.Reflection;
using Xunit.v3;

namespace Run.Tests.Infra;

/// <summary>A test, or a class of them, that needs programs which not every machine has: see <see cref="Tools.Need"/>.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, AllowMultiple = true)]
internal sealed class NeedsAttribute(params string[] tools) : BeforeAfterTestAttribute
{
    public override void Before(MethodInfo methodUnderTest, IXunitTest test) => Tools.Need(tools);
}

/// <summary>Programs that tests start and that are no part of a minimal system.</summary>
internal static class Tools
{
    /// <summary>Skips the test if one of them is missing, and says which. In CI it fails: nobody would notice a skipped test.</summary>
    public static void Need(params string[] tools)
    {
        var missing = tools.Where(static tool => !IsHere(tool)).ToList();
        if (missing.Count > 0)
        {
            var reason = $"there is no {string.Join(" and no ", missing)} here: scripts/test says which package has it";
            Assert.SkipWhen(!InCI(), reason);
            Assert.Fail($"{reason}; in CI nothing is skipped for that");
        }
    }

    internal static bool InCI() => Environment.GetEnvironmentVariable("CI") == "true";

    private static bool IsHere(string tool) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/sbin", "/sbin"])
            .Any(directory => File.Exists(Path.Combine(directory, tool)));
}
