namespace Run;

internal static class Program
{
    private static int Main(string[] arguments)
    {
        try
        {
            throw new RunException(ExitStatus.Usage, $"{arguments.Length} arguments: nothing is built yet");
        }
        catch (RunException e)
        {
            Voice.Error(e.Message, e.Hint);
            return (int)e.Status;
        }
    }
}
